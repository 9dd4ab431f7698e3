//! Commands to try an operation with. They expect the server's address in `$SERVER` and an API key
//! in `$KEY`.

use serde_json::Value;

use super::operation::Operation;
use super::{resolve, text};

/// The command for an operation, with its first example.
pub(super) fn command(document: &Value, operation: Operation<'_>) -> String {
    let Operation { method, path, says } = operation;
    let mut address = path.to_owned();
    for parameter in says["parameters"].as_array().into_iter().flatten() {
        let parameter = resolve(document, parameter);
        if text(parameter, "in") == "path" {
            let place = format!("{{{}}}", text(parameter, "name"));
            address = address.replace(&place, text(parameter, "example"));
        }
    }
    let mut lines = vec![match method {
        "get" => format!("curl -sS \"$SERVER{address}\""),
        method => format!("curl -sS -X {} \"$SERVER{address}\"", method.to_uppercase()),
    }];
    if says["security"].as_array().is_some_and(|security| !security.is_empty()) {
        lines.push("-H \"Authorization: Bearer $KEY\"".to_owned());
    }
    let content = says["requestBody"]["content"].as_object();
    if let Some((media_type, content)) = content.and_then(|content| content.iter().next()) {
        lines.push(format!("-H 'Content-Type: {media_type}'"));
        let example = content["examples"].as_object().and_then(|examples| examples.values().next());
        match example.map(|example| &example["value"]) {
            Some(Value::String(_)) | None => lines.push("--data-binary @codes.csv".to_owned()),
            Some(value) => lines.push(format!("-d {}", quoted(value))),
        }
    }
    lines.join(" \\\n  ")
}

/// A body as a word of the shell.
fn quoted(body: &Value) -> String {
    let body = serde_json::to_string_pretty(body).unwrap_or_default();
    format!("'{}'", body.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_is_complete() {
        let says = json!({
            "security": [{"apiKey": []}],
            "parameters": [{"in": "path", "name": "id", "example": "camp_1"}],
            "requestBody": {"content": {"application/json": {
                "examples": {"a": {"value": {"name": "Ann's"}}},
            }}},
        });
        let operation = Operation { method: "patch", path: "/campaigns/{id}", says: &says };
        assert_eq!(
            command(&Value::Null, operation),
            "curl -sS -X PATCH \"$SERVER/campaigns/camp_1\" \\\n  \
             -H \"Authorization: Bearer $KEY\" \\\n  \
             -H 'Content-Type: application/json' \\\n  \
             -d '{\n  \"name\": \"Ann'\\''s\"\n}'"
        );
    }
}
