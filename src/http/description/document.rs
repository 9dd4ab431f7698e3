//! Puts the description together: joins the parts, and writes out what they say in short.
//!
//! - `x-errors` of an operation are the codes that it may be refused with. They become an answer for
//!   each status, with an example for each code and the codes in `x-error-codes`.
//! - `x-roles` of an operation are those that it is for. They stay, and its text names them.
//! - Headers that every answer has, and references to whole answers, are written out.

use redeemd_domain::control::Role;
use serde_json::{Map, Value, json};

use super::errors;

/// The parts, in the order in which readers want them.
const PARTS: [&str; 21] = [
    include_str!("parts/overview.json"),
    include_str!("parts/campaigns.json"),
    include_str!("parts/campaign_status.json"),
    include_str!("parts/campaign_schemas.json"),
    include_str!("parts/codes.json"),
    include_str!("parts/imports.json"),
    include_str!("parts/lookups.json"),
    include_str!("parts/revocations.json"),
    include_str!("parts/top_ups.json"),
    include_str!("parts/validations.json"),
    include_str!("parts/redemptions.json"),
    include_str!("parts/batches.json"),
    include_str!("parts/rollbacks.json"),
    include_str!("parts/holds.json"),
    include_str!("parts/events.json"),
    include_str!("parts/api_keys.json"),
    include_str!("parts/health.json"),
    include_str!("parts/backup.json"),
    include_str!("parts/clock.json"),
    include_str!("parts/description.json"),
    include_str!("parts/problems.json"),
];

/// Why there is no description. The parts are built in, so a test sees it first.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// A part is no JSON.
    #[error("a part is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A part names an error that the server does not have.
    #[error("there is no error {0}")]
    Error(String),
    /// Something is not where it should be.
    #[error("{0} is missing or of another form")]
    Form(String),
}

/// The whole document.
///
/// # Errors
/// When a part is not as it should be.
pub(super) fn assemble() -> Result<Value, Unusable> {
    let mut document = Value::Object(Map::new());
    for part in PARTS {
        join(&mut document, serde_json::from_str(part)?);
    }
    document["info"]["version"] = crate::build::VERSION.into();
    errors::describe(&mut document)?;
    let answers = document["components"]["responses"].take();
    object(&mut document["components"], "components")?.remove("responses");
    for (path, methods) in object(&mut document["paths"], "paths")? {
        for (method, operation) in object(methods, path)? {
            complete(operation, &answers).map_err(|error| match error {
                Unusable::Form(what) => Unusable::Form(format!("{what} of {method} {path}")),
                error => error,
            })?;
        }
    }
    Ok(document)
}

/// Puts one document into another: objects are joined, lists are continued, and what else is there
/// already gives way.
fn join(whole: &mut Value, part: Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                join(whole.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(whole), Value::Array(part)) => whole.extend(part),
        (whole, part) => *whole = part,
    }
}

/// Writes out what an operation says in short.
fn complete(operation: &mut Value, answers: &Value) -> Result<(), Unusable> {
    let takes_key = takes_idempotency_key(operation);
    let fields = object(operation, "the operation")?;
    if let Some(roles) = fields.get("x-roles").and_then(Value::as_array) {
        let roles: Vec<_> = roles.iter().filter_map(Value::as_str).collect();
        let said = fields.get("description").and_then(Value::as_str).unwrap_or_default();
        let text = format!("{said}\n\nFor the roles `{}`.", roles.join("`, `"));
        fields.insert("description".to_owned(), text.into());
        fields.insert("security".to_owned(), json!([{ "apiKey": [] }]));
    }
    let given = fields.get_mut("responses").ok_or_else(|| form("responses"))?;
    for (status, answer) in object(given, "responses")? {
        let name = answer["$ref"].as_str().and_then(|name| name.rsplit('/').next());
        if let Some(name) = name {
            let named = answers.get(name).cloned();
            *answer = named.ok_or_else(|| form(&format!("the answer {name}")))?;
        }
        if takes_key && status.starts_with('2') {
            add_header(answer, "Idempotent-Replayed")?;
        }
    }
    errors::expand(operation)?;
    let is_limited = is_for(operation, Role::Public);
    for (_, answer) in object(&mut operation["responses"], "responses")? {
        add_header(answer, "X-Request-Id")?;
        if is_limited {
            for name in ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] {
                add_header(answer, name)?;
            }
        }
    }
    Ok(())
}

fn takes_idempotency_key(operation: &Value) -> bool {
    let parameters = operation["parameters"].as_array();
    parameters.into_iter().flatten().any(|parameter| {
        parameter["$ref"].as_str().is_some_and(|name| name.ends_with("/IdempotencyKey"))
    })
}

fn is_for(operation: &Value, role: Role) -> bool {
    let roles = operation["x-roles"].as_array();
    roles.into_iter().flatten().any(|name| name == role.name())
}

/// Adds one of the document's headers to an answer.
pub(super) fn add_header(answer: &mut Value, name: &str) -> Result<(), Unusable> {
    let fields = object(answer, "an answer")?;
    let headers = fields.entry("headers").or_insert_with(|| json!({}));
    let reference = json!({ "$ref": format!("#/components/headers/{name}") });
    object(headers, "headers")?.insert(name.to_owned(), reference);
    Ok(())
}

/// A value as an object.
pub(super) fn object<'a>(
    value: &'a mut Value,
    name: &str,
) -> Result<&'a mut Map<String, Value>, Unusable> {
    value.as_object_mut().ok_or_else(|| form(name))
}

/// Something is not as it should be.
pub(super) fn form(what: &str) -> Unusable {
    Unusable::Form(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined() {
        let mut whole = json!({"a": {"b": 1}, "list": [1]});
        join(&mut whole, json!({"a": {"c": 2}, "list": [2], "d": {"e": 3}}));
        assert_eq!(whole, json!({"a": {"b": 1, "c": 2}, "list": [1, 2], "d": {"e": 3}}));
    }

    #[test]
    fn what_is_said_in_short_is_written_out() {
        let mut operation = json!({
            "description": "Does it.",
            "x-roles": ["admin", "issuer"],
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "responses": {"200": {"$ref": "#/components/responses/Done"}},
            "x-errors": ["revoked", "overloaded", "expired"],
        });
        complete(&mut operation, &json!({"Done": {"description": "Done."}})).unwrap();
        assert_eq!(operation["description"], "Does it.\n\nFor the roles `admin`, `issuer`.");
        assert_eq!(operation["security"], json!([{ "apiKey": [] }]));
        let answers = operation["responses"].as_object().unwrap();
        let headers = |status: &str| -> Vec<&str> {
            answers[status]["headers"].as_object().unwrap().keys().map(String::as_str).collect()
        };
        assert_eq!(answers["200"]["description"], "Done.");
        assert_eq!(headers("200"), ["Idempotent-Replayed", "X-Request-Id"]);
        assert_eq!(answers["410"]["x-error-codes"], json!(["revoked", "expired"]));
        assert_eq!(headers("503"), ["Retry-After", "X-Request-Id"]);
        assert_eq!(operation.get("x-errors"), None);
    }

    #[test]
    fn an_error_that_does_not_exist_is_named() {
        let mut operation = json!({"responses": {}, "x-errors": ["sorry"]});
        let error = complete(&mut operation, &json!({})).unwrap_err();
        assert_eq!(error.to_string(), "there is no error sorry");
    }
}
