//! Compares values with schemas: the part of JSON Schema that the description uses. It is stricter
//! in one thing: an object has no fields but those that are described, unless the schema says
//! `additionalProperties` itself.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::Value;

/// What a comparison found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What does not fit, each with its place.
    pub(crate) faults: Vec<String>,
    /// The fields that were there, by the name of their schema.
    pub(crate) seen: BTreeSet<(String, String)>,
}

/// Compares a value with a schema of a document.
pub(crate) fn compare(document: &Value, schema: &Value, value: &Value) -> Findings {
    let mut findings = Findings::default();
    Comparison { document }.value(schema, value, &Place::default(), &mut findings);
    findings
}

/// What a reference stands for; the value itself where it is none.
pub(crate) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => value,
    }
}

/// Where a value stands, and the name of the schema that it is a part of.
#[derive(Clone, Default)]
struct Place {
    pointer: String,
    schema: String,
}

impl Place {
    fn at(&self, step: impl std::fmt::Display) -> Self {
        Self { pointer: format!("{}/{step}", self.pointer), schema: self.schema.clone() }
    }
}

struct Comparison<'a> {
    document: &'a Value,
}

impl Comparison<'_> {
    fn value(&self, schema: &Value, value: &Value, place: &Place, findings: &mut Findings) {
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            let place = Place { schema: name.to_owned(), ..place.clone() };
            return self.value(resolve(self.document, schema), value, &place, findings);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            return self.choice(choices, value, place, findings);
        }
        if !is_of_type(&schema["type"], value) {
            return findings.fault(place, format!("{value} is no {}", schema["type"]));
        }
        if let Some(only) = schema.get("const").filter(|only| *only != value) {
            findings.fault(place, format!("{value} is not {only}"));
        }
        let names = schema["enum"].as_array();
        if names.is_some_and(|names| !names.contains(value)) {
            findings.fault(place, format!("{value} is none of {}", schema["enum"]));
        }
        match value {
            Value::String(text) => string(schema, text, place, findings),
            Value::Number(number) => {
                let number = number.as_f64().unwrap();
                bounds(schema, ["minimum", "maximum"], number, place, findings);
            }
            Value::Array(items) => {
                bounds(schema, ["minItems", "maxItems"], items.len() as f64, place, findings);
                for (index, item) in items.iter().enumerate() {
                    self.value(&schema["items"], item, &place.at(index), findings);
                }
            }
            Value::Object(_) => self.object(schema, value, place, findings),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn choice(&self, choices: &[Value], value: &Value, place: &Place, findings: &mut Findings) {
        let mut fitting = Vec::new();
        let mut faults = Vec::new();
        for choice in choices {
            let mut tried = Findings::default();
            self.value(choice, value, place, &mut tried);
            match tried.faults.is_empty() {
                true => fitting.push(tried.seen),
                false => faults.extend(tried.faults),
            }
        }
        match fitting.as_mut_slice() {
            [seen] => findings.seen.append(seen),
            [] => findings.fault(place, format!("none of the choices fits: {faults:?}")),
            _ => findings.fault(place, "more than one of the choices fits".to_owned()),
        }
    }

    fn object(&self, schema: &Value, object: &Value, place: &Place, findings: &mut Findings) {
        for name in schema["required"].as_array().into_iter().flatten() {
            if object.get(name.as_str().unwrap()).is_none() {
                findings.fault(place, format!("{name} is missing"));
            }
        }
        for (name, value) in object.as_object().unwrap() {
            let place = place.at(name);
            if let Some(property) = schema["properties"].get(name) {
                findings.seen.insert((place.schema.clone(), name.clone()));
                self.value(property, value, &place, findings);
            } else {
                match &schema["additionalProperties"] {
                    Value::Bool(true) => {}
                    Value::Object(_) => {
                        self.value(&schema["additionalProperties"], value, &place, findings);
                    }
                    _ => findings.fault(&place, "is not described".to_owned()),
                }
            }
        }
    }
}

impl Findings {
    fn fault(&mut self, place: &Place, what: String) {
        self.faults.push(format!("{} ({}): {what}", place.pointer, place.schema));
    }
}

fn string(schema: &Value, text: &str, place: &Place, findings: &mut Findings) {
    let length = text.chars().count() as f64;
    bounds(schema, ["minLength", "maxLength"], length, place, findings);
    if let Some(pattern) = schema["pattern"].as_str()
        && !Regex::new(pattern).unwrap().is_match(text)
    {
        findings.fault(place, format!("{text:?} does not match {pattern}"));
    }
    let time = Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)$").unwrap();
    if schema["format"] == "date-time" && !time.is_match(text) {
        findings.fault(place, format!("{text:?} is no time"));
    }
}

fn bounds(schema: &Value, names: [&str; 2], size: f64, place: &Place, findings: &mut Findings) {
    let [least, most] = names.map(|name| schema[name].as_f64());
    if least.is_some_and(|least| size < least) || most.is_some_and(|most| size > most) {
        findings.fault(place, format!("{size} is out of bounds"));
    }
}

fn is_of_type(kinds: &Value, value: &Value) -> bool {
    let is_of = |kind: &Value| match (kind.as_str().unwrap(), value) {
        ("integer", Value::Number(number)) => number.is_i64() || number.is_u64(),
        ("string", Value::String(_))
        | ("number", Value::Number(_))
        | ("boolean", Value::Bool(_))
        | ("null", Value::Null)
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        _ => false,
    };
    match kinds {
        Value::Array(kinds) => kinds.iter().any(is_of),
        Value::Null => true,
        kind => is_of(kind),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    use serde_json::json;

    let document = json!({"components": {"schemas": {"Counts": {
        "type": "object",
        "required": ["issued"],
        "properties": {"issued": {"type": "integer", "minimum": 0}, "note": {"type": ["string", "null"]}},
    }}}});
    let schema = json!({"oneOf": [{"$ref": "#/components/schemas/Counts"}, {"type": "null"}]});
    let fits = |value: &Value| compare(&document, &schema, value).faults.is_empty();
    for good in [json!(null), json!({"issued": 0}), json!({"issued": 1, "note": null})] {
        assert!(fits(&good), "{good}");
    }
    for bad in [
        json!({}),
        json!({"issued": -1}),
        json!({"issued": 1.5}),
        json!({"issued": "1"}),
        json!({"issued": 1, "more": 2}),
        json!({"issued": 1, "note": 2}),
        json!([]),
    ] {
        assert!(!fits(&bad), "{bad}");
    }
}
