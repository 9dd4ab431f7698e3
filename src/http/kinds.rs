//! The kinds of values that fields have, and what each accepts.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use redeemd_domain::campaign::MAX_OBJECT_BYTES;
use redeemd_domain::timestamp::Timestamp;
use serde_json::value::RawValue;

use super::fields::Objection;
use super::foreign_json::{MOST_LEVELS, is_readable};
use super::raw_json::{Items, Name};
use super::time_text;

/// A text of so many characters, none of them a control character.
pub(super) fn text<'a>(
    lengths: RangeInclusive<usize>,
) -> impl FnOnce(&'a RawValue) -> Result<Cow<'a, str>, Objection> {
    move |value| {
        let objection = || {
            let (least, most) = (lengths.start(), lengths.end());
            format!("must be a text of {least} to {most} characters")
        };
        let Ok(Name(text)) = serde_json::from_str::<Name<'a>>(value.get()) else {
            return Err(objection().into());
        };
        if !lengths.contains(&text.chars().count()) {
            return Err(objection().into());
        }
        if text.chars().any(char::is_control) {
            return Err("must not have control characters".into());
        }
        Ok(text)
    }
}

/// Any text; `None` for what is no text.
pub(super) fn name(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Name<'_>>(value.get()).ok().map(|Name(text)| text)
}

/// A list of 1 to `MOST` items, not looked into yet.
pub(super) fn list<const MOST: usize>(value: &RawValue) -> Result<Vec<&RawValue>, Objection> {
    let items = serde_json::from_str::<Items<'_, MOST>>(value.get()).map(|Items(items)| items);
    let items = items.ok().filter(|items| !items.is_empty());
    items.ok_or_else(|| format!("must be a list of 1 to {MOST} items").into())
}

/// A whole number within a range.
pub(super) fn whole<'a>(
    range: RangeInclusive<u64>,
) -> impl FnOnce(&'a RawValue) -> Result<u64, Objection> {
    move |value| {
        let number = serde_json::from_str::<u64>(value.get()).ok();
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            format!("must be a whole number from {} to {}", range.start(), range.end()).into()
        })
    }
}

/// True or false.
pub(super) fn flag(value: &RawValue) -> Result<bool, Objection> {
    serde_json::from_str(value.get()).map_err(|_| Cow::Borrowed("must be true or false"))
}

/// A time in RFC 3339.
pub(super) fn time(value: &RawValue) -> Result<Timestamp, Objection> {
    let text = serde_json::from_str::<Name<'_>>(value.get()).ok();
    text.and_then(|Name(text)| time_text::parse(&text))
        .ok_or(Cow::Borrowed("must be a time from 1970 on, such as 2026-12-24T18:00:00Z"))
}

/// An object of the client's own, as compact text: what stands in it is for the client to know.
pub(super) fn object(value: &RawValue) -> Result<Box<str>, Objection> {
    let text = value.get();
    if !text.starts_with('{') {
        return Err("must be a JSON object".into());
    }
    let compact = compact(text);
    if compact.len() > MAX_OBJECT_BYTES {
        return Err(format!("must have at most {MAX_OBJECT_BYTES} bytes").into());
    }
    if !is_readable(&compact) {
        let objection = format!(
            "must be JSON that others can read: up to {MOST_LEVELS} levels, no field twice in an \
             object, whole characters, no \\u0000, no number beyond the range of a double"
        );
        return Err(objection.into());
    }
    Ok(compact)
}

/// Valid JSON without the white space between its parts.
fn compact(json: &str) -> Box<str> {
    let mut compact = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for character in json.chars() {
        if in_text {
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if matches!(character, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_text = character == '"';
        }
        compact.push(character);
    }
    compact.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn texts_are_counted_in_characters() {
        let accepts = |json: &str| text(1..=3)(raw(json)).is_ok();
        for good in [r#""a""#, r#""abc""#, r#""äöü""#, r#""\u00e4öü""#, r#"" ""#] {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            r#""""#,
            r#""abcd""#,
            r#""äöüß""#,
            "1",
            "[]",
            r#""\n""#,
            r#""\u0000""#,
            r#""\u009f""#,
            r#""\ud800""#,
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_are_whole_and_within_their_range() {
        let accepts = |json: &str| whole(1..=10)(raw(json)).is_ok();
        assert!(accepts("1") && accepts("10"));
        for bad in ["0", "11", "-1", "1.0", "1e1", "\"1\"", "true", "99999999999999999999999"] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn lists_have_one_item_at_least_and_so_many_at_most() {
        let count = |json: &str| list::<3>(raw(json)).ok().map(|items| items.len());
        assert_eq!(count("[1]"), Some(1));
        assert_eq!(count("[ {\"a\":[]}, [1,2,3,4], null ]"), Some(3));
        for bad in ["[]", "[1,2,3,4]", "{}", "1", "\"[1]\""] {
            assert_eq!(count(bad), None, "{bad}");
        }
    }

    #[test]
    fn objects_are_compacted_and_bounded() {
        let compacted = object(raw("{ \"a b\" : [ 1.50 , \"x \\\" y\" ] ,\n\"a\":{}}")).unwrap();
        assert_eq!(&*compacted, r#"{"a b":[1.50,"x \" y"],"a":{}}"#);
        assert!(object(raw(r#"{"a":"\\u0000"}"#)).is_ok(), "an escaped backslash is no escape");
        let levels = |count: usize| format!("{{\"a\":{}{}}}", "[".repeat(count), "]".repeat(count));
        assert!(object(raw(&levels(63))).is_ok());
        let deep = levels(64);
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_OBJECT_BYTES));
        for bad in [
            "[]",
            "1",
            "null",
            r#"{"a":"\u0000"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
            r#"{"a":1,"a":2}"#,
        ]
        .into_iter()
        .chain([deep.as_str(), &long])
        {
            assert!(object(raw(bad)).is_err(), "{bad:.40}");
        }
    }

    proptest! {
        #[test]
        fn compacting_keeps_the_meaning(texts in proptest::collection::vec("\\PC{0,8}|[\\\\\" {}\\[\\],:]{0,8}", 0..5)) {
            let value = serde_json::json!({ "texts": texts, "n": [1, null, true, {"x": 2}] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(&*compact(&pretty), serde_json::to_string(&value).unwrap());
        }
    }
}
