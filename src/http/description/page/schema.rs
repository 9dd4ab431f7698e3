//! Shows schemas: what a value may be, and the fields of objects.

use serde_json::Value;

use super::html::Html;
use super::{prose, resolve, text};

/// Whether a schema is worth a place of its own: what has fields, alternatives or names. A text with
/// bounds is shown where it is used.
pub(super) fn has_own_place(schema: &Value) -> bool {
    ["properties", "oneOf", "enum"].iter().any(|name| schema.get(name).is_some())
}

/// Shows a schema that has a name, at a place of its own.
pub(super) fn named(html: &mut Html, document: &Value, name: &str, schema: &Value) {
    html.within("section", &[("class", "schema"), ("id", &anchor(name))], |html| {
        html.element("h3", &[], name);
        prose::blocks(html, text(schema, "description"));
        content(html, document, schema);
    });
}

/// Shows what is in a schema: its fields, or what it may be.
pub(super) fn content(html: &mut Html, document: &Value, schema: &Value) {
    if let Some(properties) = schema["properties"].as_object() {
        let required: Vec<_> = texts(&schema["required"]).collect();
        html.within("dl", &[("class", "fields")], |html| {
            for (name, property) in properties {
                let is_required = required.contains(&name.as_str());
                field(html, document, name, property, is_required);
            }
        });
    } else if schema.get("oneOf").is_some() || schema.get("enum").is_some() {
        html.within("p", &[("class", "kind")], |html| kind(html, document, schema));
    }
}

/// Shows a field, or a parameter, which is much the same.
pub(super) fn field(
    html: &mut Html,
    document: &Value,
    name: &str,
    schema: &Value,
    is_required: bool,
) {
    html.within("dt", &[], |html| {
        html.element("code", &[], name);
        html.text(" ");
        html.within("span", &[("class", "kind")], |html| kind(html, document, schema));
        if is_required {
            html.text(" ");
            html.element("span", &[("class", "required")], "required");
        }
    });
    let first = schema["oneOf"].get(0).unwrap_or(schema);
    let described = if has_text(schema) { schema } else { resolve(document, first) };
    html.within("dd", &[], |html| prose::inline(html, text(described, "description")));
}

/// What a value may be, in a few words.
pub(super) fn kind(html: &mut Html, document: &Value, schema: &Value) {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        let target = resolve(document, schema);
        if has_own_place(target) {
            html.element("a", &[("href", &format!("#{}", anchor(name)))], name);
        } else {
            kind(html, document, target);
        }
    } else if let Some(choices) = schema["oneOf"].as_array() {
        for (place, choice) in choices.iter().enumerate() {
            if place > 0 {
                html.text(" or ");
            }
            kind(html, document, choice);
        }
    } else if let Some(items) = schema.get("items") {
        html.text("list of ");
        kind(html, document, items);
        html.text(&bounds(schema, "minItems", "maxItems", " items"));
    } else if schema.get("enum").is_some() {
        html.text("one of ");
        for (place, name) in texts(&schema["enum"]).enumerate() {
            html.text(if place > 0 { ", " } else { "" });
            html.element("code", &[], name);
        }
    } else if let Some(only) = schema.get("const") {
        html.element("code", &[], &only.to_string());
    } else {
        html.text(&plain(schema));
    }
    if let Some(usual) = schema.get("default") {
        html.text(", usually ");
        html.element("code", &[], &usual.to_string());
    }
}

fn has_text(schema: &Value) -> bool {
    !text(schema, "description").is_empty()
}

fn plain(schema: &Value) -> String {
    let kinds: Vec<_> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kinds = kinds.into_iter().map(|kind| match (kind, text(schema, "format")) {
        ("string", "date-time") => "time",
        ("string", "binary") => "file",
        ("string", _) => "text",
        ("integer", _) => "whole number",
        ("boolean", _) => "true or false",
        (kind, _) => kind,
    });
    let kinds: Vec<_> = kinds.collect();
    format!(
        "{}{}{}",
        kinds.join(" or "),
        bounds(schema, "minLength", "maxLength", " characters"),
        bounds(schema, "minimum", "maximum", ""),
    )
}

fn bounds(schema: &Value, least: &str, most: &str, unit: &str) -> String {
    let [least, most] = [least, most].map(|name| schema[name].as_u64().map(grouped));
    match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}{unit}"),
        (None, Some(most)) => format!(", at most {most}{unit}"),
        (Some(least), None) => format!(", at least {least}{unit}"),
        (None, None) => String::new(),
    }
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn anchor(name: &str) -> String {
    format!("schema-{name}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_told_in_a_few_words() {
        let document = json!({"components": {"schemas": {
            "Name": {"type": "string", "minLength": 1, "maxLength": 200},
            "Rule": {"type": "object", "properties": {}},
        }}});
        let name = json!({"$ref": "#/components/schemas/Name"});
        let rule = json!({"$ref": "#/components/schemas/Rule"});
        let link = "<a href=\"#schema-Rule\">Rule</a>";
        for (schema, told) in [
            (name, "text, 1 to 200 characters".to_owned()),
            (rule.clone(), link.to_owned()),
            (json!({"oneOf": [rule, {"type": "null"}]}), format!("{link} or null")),
            (
                json!({"type": ["integer", "null"], "minimum": 1, "maximum": 4_294_967_295_u64}),
                "whole number or null, 1 to 4,294,967,295".to_owned(),
            ),
            (
                json!({"type": "array", "items": {"type": "boolean"}, "maxItems": 1000}),
                "list of true or false, at most 1,000 items".to_owned(),
            ),
            (
                json!({"type": "string", "enum": ["a", "b"], "default": "a"}),
                "one of <code>a</code>, <code>b</code>, usually <code>&quot;a&quot;</code>"
                    .to_owned(),
            ),
            (json!({"type": "boolean", "const": true}), "<code>true</code>".to_owned()),
        ] {
            let mut html = Html::default();
            kind(&mut html, &document, &schema);
            assert_eq!(html.into_text(), told);
        }
    }
}
