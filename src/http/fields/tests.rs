//! What is told of bodies that are not accepted.

use super::super::kinds::{text, whole};
use super::*;

fn faults(problem: &Problem) -> Vec<(String, String)> {
    let document = problem.answer(&super::super::request_id::RequestId::of(None));
    let body = actix_web::body::MessageBody::try_into_bytes(document.into_body()).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let errors = document["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|fault| (text(&fault["pointer"]), text(&fault["detail"]))).collect()
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let body = br#"{"code":"","count":-1,"a/b":1,"inner":{"kind":7,"other":[]}}"#;
    let mut fields = Fields::of_body(body).unwrap();
    fields.required("code", text(1..=64));
    fields.required("count", whole(1..=10));
    fields.required("user_id", text(1..=128));
    let mut inner = fields.required_object("inner").unwrap();
    inner.required("kind", text(1..=10));
    fields.absorb(inner);
    let faults = faults(&fields.finish().unwrap_err());
    let pointers: Vec<_> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
    let expected = ["/code", "/count", "/user_id", "/inner/kind", "/inner/other", "/a~1b"];
    assert_eq!(pointers, expected);
}

#[test]
fn what_is_no_object_is_refused() {
    for (body, kind) in [
        (&b""[..], Kind::MalformedJson),
        (b"{", Kind::MalformedJson),
        (b"[", Kind::MalformedJson),
        (b"{\"a\":1}x", Kind::MalformedJson),
        (b"{'a':1}", Kind::MalformedJson),
        (b"{\"a\":\"\xff\"}", Kind::MalformedJson),
        (b"\xef\xbb\xbf{}", Kind::MalformedJson),
        (b"[]", Kind::ValidationFailed),
        (b"\"text\"", Kind::ValidationFailed),
        (b"null", Kind::ValidationFailed),
        (b"{\"a\":1,\"a\":2}", Kind::ValidationFailed),
        (b"{\"a\":1,\"\\u0061\":2}", Kind::ValidationFailed),
    ] {
        let problem = Fields::of_body(body).unwrap_err();
        assert_eq!(problem.kind(), kind, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn items_of_a_list_are_found_by_their_place() {
    let item: &RawValue = serde_json::from_str(r#"{"code":"","inner":{"a":1}}"#).unwrap();
    let mut fields = Fields::of_item(item, "list", 12).unwrap();
    fields.required("code", text(1..=64));
    let inner = fields.required_object("inner").unwrap();
    fields.absorb(inner);
    let faults = faults(&fields.finish().unwrap_err());
    let pointers: Vec<_> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/list/12/code", "/list/12/inner/a"]);
    let number: &RawValue = serde_json::from_str("7").unwrap();
    let problem = Fields::of_item(number, "list", 3).unwrap_err();
    assert_eq!(self::faults(&problem)[0].0, "/list/3");
}

#[test]
fn every_object_of_a_list_is_looked_into() {
    let body = br#"{"list":[{"a":0},7,{"a":1,"a":1},{"b":1},{"a":1}],"none":null,"inner":{}}"#;
    let mut fields = Fields::of_body(body).unwrap();
    assert!(fields.is_object("inner") && !fields.is_object("list"));
    let Presence::Given(items) = fields.take_objects::<5>("list") else { panic!("it is there") };
    assert_eq!(items.len(), 3);
    for mut item in items {
        item.needed("a", whole(1..=5));
        fields.absorb(item);
    }
    assert!(matches!(fields.take_objects::<5>("none"), Presence::Null));
    assert!(matches!(fields.take_object("absent"), Presence::Absent));
    let faults = faults(&fields.finish().unwrap_err());
    let pointers: Vec<_> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/list/1", "/list/2", "/list/0/a", "/list/3/a", "/list/3/b", "/inner"]);
}

#[test]
fn repeats_are_found_among_few_and_among_many() {
    for count in [2, 8, 9, 40] {
        let mut names: Vec<_> = (0..count).map(|number| format!("\"n{number}\":1")).collect();
        assert!(Fields::of_body(format!("{{{}}}", names.join(",")).as_bytes()).is_ok());
        names[count - 1] = names[0].clone();
        let body = format!("{{{}}}", names.join(","));
        let repeated = Fields::of_body(body.as_bytes()).unwrap_err();
        assert_eq!(faults(&repeated)[0].0, "/n0");
    }
}

#[test]
fn the_faults_that_are_told_end() {
    let names: Vec<_> = (0..5000).map(|number| format!("\"n{number}\":1")).collect();
    let body = format!("{{{}}}", names.join(","));
    let fields = Fields::of_body(body.as_bytes()).unwrap();
    assert_eq!(faults(&fields.finish().unwrap_err()).len(), MOST_FAULTS);
}

#[test]
fn null_absent_and_given_are_apart() {
    let mut fields = Fields::of_body(br#"{"a":null,"b":3}"#).unwrap();
    assert_eq!(fields.take("a", whole(1..=5)).change(), Some(None));
    assert_eq!(fields.take("b", whole(1..=5)).change(), Some(Some(3)));
    assert_eq!(fields.take("c", whole(1..=5)).change(), None);
    assert!(fields.finish().is_ok());
}
