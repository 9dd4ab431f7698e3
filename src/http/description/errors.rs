//! The errors in the description: their statuses and titles come from where the server has them, so
//! that the parts need only say when each of them is given.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::{Unusable, add_header, form, object};
use crate::http::problem::Kind;

/// A request's identifier in examples.
const REQUEST_ID: &str = "7c9e6679f4c1a2b3";

/// Describes every error: its name and meaning in the schema of error codes, and an example of each.
/// Takes what the parts say of them in `x-problems`.
///
/// # Errors
/// When the parts say nothing of an error that the server has, or of one that it has not.
pub(super) fn describe(document: &mut Value) -> Result<(), Unusable> {
    let mut said = document["x-problems"].take();
    object(document, "the document")?.remove("x-problems");
    let mut examples = Map::new();
    let mut meanings = Map::new();
    let mut kinds = Kind::ALL;
    kinds.sort_by_key(|kind| kind.status());
    for kind in kinds {
        let said = said[kind.name()].take();
        let when = said["when"].as_str().ok_or_else(|| form(&format!("x-problems: {kind:?}")))?;
        meanings.insert(kind.name().to_owned(), when.into());
        examples.insert(
            kind.name().to_owned(),
            json!({ "summary": when, "value": example(kind, &said) }),
        );
    }
    let unknown = said.as_object().into_iter().flatten().find(|(_, said)| !said.is_null());
    if let Some((name, _)) = unknown {
        return Err(Unusable::Error(name.clone()));
    }
    let names: Vec<_> = kinds.map(Kind::name).into();
    let schema = &mut document["components"]["schemas"]["ErrorCode"];
    schema["enum"] = names.into();
    schema["x-enumDescriptions"] = meanings.into();
    document["components"]["examples"] = examples.into();
    Ok(())
}

/// Writes out the answers that an operation is refused with.
///
/// # Errors
/// When it names an error that the server does not have.
pub(super) fn expand(operation: &mut Value) -> Result<(), Unusable> {
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    let fields = object(operation, "the operation")?;
    let codes = fields.remove("x-errors").ok_or_else(|| form("x-errors"))?;
    for code in codes.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == code);
        let kind = kind.ok_or_else(|| Unusable::Error(code.to_owned()))?;
        by_status.entry(kind.status()).or_default().push(kind);
    }
    for (status, kinds) in by_status {
        let answer = answer(&kinds)?;
        object(&mut operation["responses"], "responses")?.insert(status.to_string(), answer);
    }
    Ok(())
}

/// The answer for errors of one status.
fn answer(kinds: &[Kind]) -> Result<Value, Unusable> {
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    let said: Vec<_> =
        kinds.iter().map(|kind| format!("`{}`: {}", kind.name(), kind.title())).collect();
    let mut examples = Map::new();
    for name in &names {
        let reference = json!({ "$ref": format!("#/components/examples/{name}") });
        examples.insert((*name).to_owned(), reference);
    }
    let mut answer = json!({
        "description": said.join(" "),
        "content": {
            "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "examples": examples,
            },
        },
        "x-error-codes": names,
    });
    if kinds.iter().any(|kind| kind.retry_after_seconds().is_some()) {
        add_header(&mut answer, "Retry-After")?;
    }
    if kinds.contains(&Kind::Unauthenticated) {
        add_header(&mut answer, "WWW-Authenticate")?;
    }
    Ok(answer)
}

/// A problem document of this kind.
fn example(kind: Kind, said: &Value) -> Value {
    let mut document = json!({
        "type": format!("urn:redeemd:problem:{}", kind.name()),
        "title": kind.title(),
        "status": kind.status(),
        "detail": said["detail"],
        "instance": format!("urn:redeemd:request:{REQUEST_ID}"),
        "code": kind.name(),
    });
    for name in ["errors", "redemption_id"] {
        if let Some(value) = said.get(name) {
            document[name] = value.clone();
        }
    }
    document
}
