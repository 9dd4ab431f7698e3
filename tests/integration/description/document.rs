//! Whether the description is complete: texts, examples, bounds and errors wherever they belong.

use std::collections::BTreeSet;

use serde_json::Value;

use super::description;
use crate::support::{Description, Folder, compare, resolve};

/// What every request with a body can be refused with, unless it is read as it comes.
const ERRORS_OF_BODIES: [&str; 5] = [
    "validation_failed",
    "malformed_json",
    "request_timeout",
    "body_too_large",
    "unsupported_media_type",
];

/// What every request that changes something can end in.
const ERRORS_OF_CHANGES: [&str; 3] = ["overloaded", "read_only", "outcome_unknown"];

/// Errors that no described request gets: an address has a method or has it not, and nothing that
/// exists already can be made through this interface yet.
const ERRORS_OF_NO_OPERATION: [&str; 2] = ["method_not_allowed", "already_exists"];

fn described() -> Description {
    let folder = Folder::new();
    description(&folder.start())
}

fn has_text(value: &Value, name: &str) -> bool {
    value[name].as_str().is_some_and(|text| !text.is_empty())
}

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

/// The codes that an operation may be refused with.
fn errors(says: &Value) -> BTreeSet<&str> {
    let answers = says["responses"].as_object().unwrap().values();
    answers.flat_map(|answer| texts(&answer["x-error-codes"])).collect()
}

fn takes(document: &Value, says: &Value, name: &str) -> bool {
    let parameters = says["parameters"].as_array().into_iter().flatten();
    parameters.into_iter().any(|parameter| resolve(document, parameter)["name"] == name)
}

/// Every schema within a value, with the pointer that leads to it.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("$ref", Value::String(reference)) => found.push(reference),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_part_is_used_and_every_reference_leads_somewhere() {
    let Description { document } = described();
    let mut found = Vec::new();
    references(&document, &mut found);
    let found: BTreeSet<&str> = found.into_iter().collect();
    for reference in &found {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
    }
    for (kind, parts) in document["components"].as_object().unwrap() {
        for name in parts.as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            // Lines of NDJSON have a schema that only texts name, and all errors are listed.
            let is_named_in_texts =
                ["securitySchemes", "examples"].contains(&&**kind) || name == "CodeState";
            assert!(is_named_in_texts || found.contains(&*reference), "{reference} is not used");
        }
    }
}

#[test]
fn every_operation_is_complete() {
    let description = described();
    let document = &description.document;
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    let mut given = BTreeSet::new();
    for (path, method, says) in description.operations() {
        let name = format!("{method} {path}");
        assert!(has_text(says, "summary") && has_text(says, "description"), "{name}");
        assert!(ids.insert(says["operationId"].as_str().unwrap()), "{name}");
        assert!(tags.contains(says["tags"][0].as_str().unwrap()), "{name}");
        for parameter in says["parameters"].as_array().into_iter().flatten() {
            let parameter = resolve(document, parameter);
            assert!(has_text(parameter, "description"), "{name}: {parameter}");
            let found = compare(document, &parameter["schema"], &parameter["example"]);
            assert!(found.faults.is_empty(), "{name}: {parameter}: {:?}", found.faults);
        }
        for answer in says["responses"].as_object().unwrap().values() {
            assert!(has_text(answer, "description"), "{name}");
            assert!(answer["headers"].get("X-Request-Id").is_some(), "{name}");
        }

        let errors = errors(says);
        let must = |codes: &[&'static str]| {
            for code in codes {
                assert!(errors.contains(code), "{name} can be refused with {code}");
            }
        };
        let is_for_everybody = says["security"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(says.get("x-roles").is_none(), is_for_everybody, "{name}");
        if !is_for_everybody {
            must(&["unauthenticated", "forbidden", "internal"]);
        }
        if path.contains('{') {
            must(&["not_found"]);
        }
        if says["requestBody"]["content"].get("application/json").is_some() {
            must(&ERRORS_OF_BODIES);
        }
        if takes(document, says, "Idempotency-Key") && method == "post" {
            must(&["idempotency_key_reused"][..usize::from(!path.ends_with("/batch"))]);
        }
        let reads = ["codes/lookup", "validations", "redemptions/batch", "clock/believe"];
        if method != "get" && !reads.iter().any(|path_end| path.ends_with(path_end)) {
            must(&ERRORS_OF_CHANGES);
        }
        given.extend(errors.into_iter().map(str::to_owned));
    }
    let known = texts(&document["components"]["schemas"]["ErrorCode"]["enum"]);
    let never = known.iter().filter(|code| !given.contains(**code));
    assert_eq!(never.copied().collect::<BTreeSet<_>>(), ERRORS_OF_NO_OPERATION.into());
}

#[test]
fn every_field_has_a_description_bounds_and_an_example() {
    let Description { document } = described();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(has_text(schema, "description"), "{name}");
        value(&document, name, schema);
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let name = format!("{name}.{field}");
            let described = match property["oneOf"].as_array() {
                Some(choices) => resolve(&document, &choices[0]),
                None => resolve(&document, property),
            };
            assert!(has_text(described, "description"), "{name}");
            value(&document, &name, described);
        }
    }
}

/// Insists on what a schema of a value needs beside its description.
fn value(document: &Value, name: &str, schema: &Value) {
    let examples = schema["examples"].as_array();
    for example in examples.into_iter().flatten() {
        let found = compare(document, schema, example);
        assert!(found.faults.is_empty(), "{name}: {:?}", found.faults);
    }
    let is_of = |kind: &str| schema["type"] == kind || schema["type"][0] == kind;
    let explains_itself = ["enum", "const"].iter().any(|name| schema.get(name).is_some());
    if explains_itself {
        return;
    }
    let is_structured = ["oneOf", "properties", "items", "additionalProperties"];
    if !is_structured.iter().any(|name| schema.get(name).is_some()) {
        assert!(examples.is_some_and(|examples| !examples.is_empty()), "{name}: no example");
    }
    if is_of("integer") {
        assert!(schema.get("minimum").is_some(), "{name}: no bounds");
    }
}

#[test]
fn every_text_and_list_that_is_taken_has_bounds() {
    let description = described();
    let document = &description.document;
    let mut wanted: Vec<&Value> = Vec::new();
    for (_, _, says) in description.operations() {
        let contents = says["requestBody"]["content"].as_object().into_iter().flatten();
        wanted.extend(contents.map(|(_, content)| &content["schema"]));
    }
    while let Some(schema) = wanted.pop() {
        let schema = resolve(document, schema);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let field = resolve(document, field);
            wanted.push(field);
            wanted.extend(field["oneOf"].as_array().into_iter().flatten());
            wanted.extend(field.get("items"));
            let is_of = |kind: &str| field["type"] == kind || field["type"][0] == kind;
            let fixed = ["enum", "const", "format"].iter().any(|name| field.get(name).is_some());
            assert!(fixed || !is_of("string") || field.get("maxLength").is_some(), "{name}");
            assert!(!is_of("array") || field.get("maxItems").is_some(), "{name}");
        }
        if schema["type"] == "object" && schema.get("properties").is_some() {
            assert_eq!(
                schema["additionalProperties"], false,
                "unknown fields are refused: {schema}"
            );
        }
    }
}

#[test]
fn every_example_is_of_its_schema() {
    let description = described();
    let document = &description.document;
    for (path, method, says) in description.operations() {
        let bodies = says["requestBody"]["content"].as_object().into_iter().flatten();
        let answers = says["responses"].as_object().unwrap().values();
        let answers =
            answers.flat_map(|answer| answer["content"].as_object().into_iter().flatten());
        for (media_type, content) in bodies.chain(answers) {
            for (name, example) in content["examples"].as_object().into_iter().flatten() {
                let example = &resolve(document, example)["value"];
                let found = compare(document, &content["schema"], example);
                let faults = found.faults;
                assert!(faults.is_empty(), "{method} {path} {media_type} {name}: {faults:?}");
            }
        }
    }
}
