//! Every example is sent to a real server: its answer has the status and the fields that the
//! description's example of the answer has, and over all of them every field is seen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::description;
use super::stage::{Stage, names, names_of_answer};
use crate::support::{Client, Description, Folder, Request, compare, resolve};

/// Fields that no healthy server shows.
const UNSEEN: [(&str, &str); 9] = [
    ("Problem", "redemption_id"),
    // Holds take at least a second to expire; `events.rs` waits for one.
    ("Event", "holds"),
    ("EventExpiredHold", "id"),
    ("EventExpiredHold", "campaign_id"),
    ("EventExpiredHold", "user_id"),
    ("EventExpiredHold", "code_hint"),
    ("HealthPart", "finding"),
    ("HealthPart", "detail"),
    ("HealthPart", "note"),
];

/// A try of an operation: one body, and one form of the answer.
struct Try<'a> {
    name: String,
    body: Option<(&'a str, &'a Value)>,
    accept: Option<&'a str>,
    /// The answer's example, where it has one.
    expected: Option<&'a Value>,
}

fn tries<'a>(document: &'a Value, says: &'a Value, status: &str) -> Vec<Try<'a>> {
    let mut bodies: Vec<(&str, Option<(&str, &Value)>)> = Vec::new();
    for (media_type, content) in says["requestBody"]["content"].as_object().into_iter().flatten() {
        for (name, example) in content["examples"].as_object().unwrap() {
            bodies.push((name, Some((media_type, &example["value"]))));
        }
    }
    if bodies.is_empty() {
        bodies.push(("", None));
    }
    let answer = says["responses"][status]["content"].as_object();
    let forms = answer.into_iter().flatten().map(|(form, content)| (Some(&**form), content));
    // A stream never ends; `events.rs` reads some.
    let forms: Vec<_> = forms.filter(|(form, _)| *form != Some("text/event-stream")).collect();
    let forms = if forms.is_empty() { vec![(None, &Value::Null)] } else { forms };
    let mut tries = Vec::new();
    for (name, body) in &bodies {
        for (accept, content) in &forms {
            let examples = content["examples"].as_object();
            let named = examples.and_then(|examples| examples.get(*name));
            let named = named.or_else(|| examples.filter(|_| body.is_none())?.values().next());
            let expected = named.map(|example| &resolve(document, example)["value"]);
            let name = format!("{} {name} {}", says["operationId"], accept.unwrap_or_default());
            tries.push(Try { name, body: *body, accept: *accept, expected });
        }
    }
    tries
}

/// The status of success.
fn success(says: &Value) -> &str {
    let mut statuses = says["responses"].as_object().unwrap().keys();
    statuses.find(|status| status.starts_with('2')).unwrap()
}

#[test]
fn every_example_gets_the_answer_that_it_says() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let description = description(&server);
    let document = &description.document;
    let mut seen = BTreeSet::new();
    for (path, method, says) in description.operations() {
        let status = success(says);
        for (number, attempt) in tries(document, says, status).into_iter().enumerate() {
            let operation = says["operationId"].as_str().unwrap();
            let stage = Stage::set(&mut client, operation, path);
            let (request, address) = request(document, says, method, &stage, &attempt, number);
            let answer = client.send(request.clone());
            assert_eq!(answer.status.to_string(), status, "{}: {answer:?}", attempt.name);
            seen.append(&mut description.insist(method, &address, &answer));
            let form = answer.header("content-type").unwrap_or_default().to_owned();
            match attempt.expected {
                Some(Value::String(_)) | None => {}
                Some(expected) => {
                    assert_eq!(names_of_answer(&answer), names(expected), "{}", attempt.name);
                }
            }
            if form == "application/x-ndjson" && operation == "exportCodes" {
                for line in answer.text().lines() {
                    let schema = &document["components"]["schemas"]["CodeState"];
                    let line = serde_json::from_str(line).unwrap();
                    assert_eq!(compare(document, schema, &line).faults, Vec::<String>::new());
                }
            }
            if says["responses"][status]["headers"].get("Idempotent-Replayed").is_some() {
                let again = client.send(request);
                assert_eq!(again.status, answer.status, "{}", attempt.name);
                seen.append(&mut description.insist(method, &address, &again));
                if operation != "redeemBatch" {
                    assert_eq!(
                        again.header("idempotent-replayed"),
                        Some("true"),
                        "{}",
                        attempt.name
                    );
                    assert_eq!(again.body, answer.body, "{}", attempt.name);
                }
            }
        }
    }
    seen.append(&mut errors(&mut client, &description));
    // Every kind of event happened by now.
    const EVENTS: &str = "/api/v1/events?limit=1000";
    seen.append(&mut description.insist("GET", EVENTS, &client.get(EVENTS)));
    nothing_is_described_that_never_comes(&description, &seen);
}

/// The request of a try, with every parameter and header that has an example.
fn request(
    document: &Value,
    says: &Value,
    method: &str,
    stage: &Stage,
    attempt: &Try<'_>,
    number: usize,
) -> (Request, String) {
    let mut query = Vec::new();
    let mut headers = Vec::new();
    for parameter in says["parameters"].as_array().into_iter().flatten() {
        let parameter = resolve(document, parameter);
        let name = parameter["name"].as_str().unwrap();
        let example = match &parameter["example"] {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        match (parameter["in"].as_str().unwrap(), name) {
            // What an earlier answer gave cannot be made up.
            ("query", "cursor" | "after") | ("header", "Last-Event-ID") => {}
            // Lines of JSON have no columns.
            ("query", "column") if !is_of(attempt, "text/csv") => {}
            ("query", _) => query.push((name, example)),
            // Each try is a request of its own.
            ("header", "Idempotency-Key") => headers.push((name, format!("{example}-{number}"))),
            ("header", _) => headers.push((name, example)),
            _ => {}
        }
    }
    let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let address = stage.address(&query);
    let mut request = Request::new(&method.to_ascii_uppercase(), &address);
    for (name, value) in &headers {
        request = request.header(name, value);
    }
    if let Some(accept) = attempt.accept {
        request = request.header("Accept", accept);
    }
    if let Some((media_type, body)) = attempt.body {
        request = request.header("Content-Type", media_type).body(stage.body(body));
    }
    (request, address)
}

fn is_of(attempt: &Try<'_>, media_type: &str) -> bool {
    attempt.body.is_some_and(|(other, _)| other == media_type)
}

/// The fields of problem documents, which good requests do not get.
fn errors(client: &mut Client, description: &Description) -> BTreeSet<(String, String)> {
    const PATH: &str = "/api/v1/campaigns";
    let requests = [
        ("POST", PATH.to_owned(), Request::new("POST", PATH).json(&json!({}))),
        ("GET", format!("{PATH}?limit=0"), Request::new("GET", &format!("{PATH}?limit=0"))),
        ("POST", PATH.to_owned(), Request::new("POST", PATH).header("Idempotency-Key", "é")),
    ];
    let mut seen = BTreeSet::new();
    for (method, address, request) in requests {
        let answer = client.send(request);
        answer.is_problem(400, "validation_failed");
        seen.append(&mut description.insist(method, &address, &answer));
    }
    seen
}

/// Insists that every field of an answer's schema was seen.
fn nothing_is_described_that_never_comes(
    description: &Description,
    seen: &BTreeSet<(String, String)>,
) {
    let document = &description.document;
    let mut unseen = BTreeSet::new();
    let mut wanted: Vec<&Value> = Vec::new();
    for (_, _, says) in description.operations() {
        for answer in says["responses"].as_object().unwrap().values() {
            let contents = answer["content"].as_object().into_iter().flatten();
            wanted.extend(contents.map(|(_, content)| &content["schema"]));
        }
    }
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while let Some(schema) = wanted.pop() {
        let name = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
        let schema = resolve(document, schema);
        wanted.extend(schema["oneOf"].as_array().into_iter().flatten());
        wanted.extend(["items", "additionalProperties"].iter().filter_map(|part| schema.get(part)));
        let Some(name) = name.filter(|name| done.insert(name)) else { continue };
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            wanted.push(property);
            let key = (name.to_owned(), field.clone());
            if !seen.contains(&key) && !UNSEEN.contains(&(name, field)) {
                unseen.insert(key);
            }
        }
    }
    assert_eq!(unseen, BTreeSet::new(), "described, but in no answer");
}
