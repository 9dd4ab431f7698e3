//! Reads the fields of a JSON object and gathers everything that is wrong with them, each fault with
//! its place. It must never repeat a value that was sent: that may be a code.

use std::borrow::Cow;
use std::fmt;

use redeemd_domain::codes::SealedBlock;
use serde_json::value::RawValue;

use super::problem::{Fault, Kind, Place, Problem};
use super::raw_json::Entries;

/// The most faults that are told of one object, about: whoever sends more has sent something else.
const MOST_FAULTS: usize = 100;

/// So many fields are compared one by one.
const A_HANDFUL: usize = 8;

/// Why a value is not accepted, as the end of a sentence about it.
pub(super) type Objection = Cow<'static, str>;

/// A field that may be missing, or null, or have a value. Null clears where that has a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence<T> {
    /// It is not there.
    Absent,
    /// It is null.
    Null,
    /// It has a value.
    Given(T),
}

impl<T> Presence<T> {
    /// The value, if there is one.
    pub(super) fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// What a change makes of a field: nothing, clearing it, or another value.
    pub(super) fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Given(value) => Some(Some(value)),
        }
    }
}

/// The fields of an object that are not taken yet, and what was wrong with those that were.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    prefix: Prefix,
    entries: Vec<(Cow<'a, str>, Option<&'a RawValue>)>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// The fields of a body.
    ///
    /// # Errors
    /// When it is not JSON, or not an object, or names a field twice.
    pub(super) fn of_body(body: &'a [u8]) -> Result<Self, Problem> {
        match serde_json::from_slice::<Entries<'a>>(body) {
            Ok(Entries(entries)) => {
                Self { prefix: Prefix::Body, entries, faults: Vec::new() }.without_repeats()
            }
            Err(error) => {
                // What is no object is noticed at its first character; the rest may be no JSON.
                let error = match serde_json::from_slice::<&RawValue>(body) {
                    Ok(_) => return Err(Problem::field("", "must be a JSON object")),
                    Err(malformed) if error.is_data() => malformed,
                    Err(_) => error,
                };
                let (line, column) = (error.line(), error.column());
                let detail = match error.is_eof() {
                    true => "The body ends before its JSON does.".to_owned(),
                    false => format!("The body is not JSON at line {line}, column {column}."),
                };
                Err(Problem::new(Kind::MalformedJson, detail))
            }
        }
    }

    /// The fields of an item of a list of the body, whose place is counted from 0.
    ///
    /// # Errors
    /// When it is not an object, or names a field twice.
    pub(super) fn of_item(
        item: &'a RawValue,
        list: &'static str,
        place: u32,
    ) -> Result<Self, Problem> {
        let prefix = Prefix::Item(list, place);
        match serde_json::from_str::<Entries<'a>>(item.get()) {
            Ok(Entries(entries)) => Self { prefix, entries, faults: Vec::new() }.without_repeats(),
            Err(_) => Err(Problem::field(&prefix.to_string(), "must be a JSON object")),
        }
    }

    /// Takes a field that may be missing or null.
    pub(super) fn take<T>(
        &mut self,
        name: &'static str,
        kind: impl FnOnce(&'a RawValue) -> Result<T, Objection>,
    ) -> Presence<T> {
        let entry = self.entries.iter_mut().find(|(known, _)| known == name);
        let Some(value) = entry.and_then(|(_, value)| value.take()) else {
            return Presence::Absent;
        };
        if value.get() == "null" {
            return Presence::Null;
        }
        match kind(value) {
            Ok(value) => Presence::Given(value),
            Err(objection) => {
                self.object(name, objection);
                Presence::Absent
            }
        }
    }

    /// Takes a field that must be there. Where it is not, or not accepted, a default stands for it
    /// until [`Fields::finish`] tells.
    pub(super) fn required<T: Default>(
        &mut self,
        name: &'static str,
        kind: impl FnOnce(&'a RawValue) -> Result<T, Objection>,
    ) -> T {
        let faults = self.faults.len();
        match self.take(name, kind) {
            Presence::Given(value) => return value,
            Presence::Absent if self.faults.len() > faults => {}
            Presence::Absent => self.object(name, "is missing"),
            Presence::Null => self.object(name, "must not be null"),
        }
        T::default()
    }

    /// Takes an object that must be there, for its own fields; hand it to [`Fields::absorb`] at the
    /// end. `None` where there is none, which is noted.
    pub(super) fn required_object(&mut self, name: &'static str) -> Option<Self> {
        let read = |value: &'a RawValue| {
            let entries = serde_json::from_str::<Entries<'a>>(value.get());
            entries.map(|Entries(entries)| entries).map_err(|_| "must be a JSON object".into())
        };
        let faults = self.faults.len();
        let entries = match self.take(name, read) {
            Presence::Given(entries) => entries,
            Presence::Absent if self.faults.len() > faults => return None,
            Presence::Absent => {
                self.object(name, "is missing");
                return None;
            }
            Presence::Null => {
                self.object(name, "must not be null");
                return None;
            }
        };
        let prefix = Prefix::Object(format!("{}/{name}", self.prefix));
        let inner = Self { prefix, entries, faults: Vec::new() };
        let inner = inner.without_repeats().ok();
        if inner.is_none() {
            self.object(name, "must not have two fields of one name");
        }
        inner
    }

    /// Takes over what is wrong with an object within.
    pub(super) fn absorb(&mut self, inner: Self) {
        self.faults.extend(inner.into_faults());
    }

    /// Notes that a field is not accepted.
    pub(super) fn object(&mut self, name: &str, objection: impl Into<Objection>) {
        let place = Place::Body(pointer(&self.prefix, name));
        self.faults.push(Fault { place, detail: objection.into() });
    }

    /// Whether anything was wrong so far.
    pub(super) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Everything that was wrong, fields that nobody took included.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let faults = self.into_faults();
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
    }

    fn into_faults(mut self) -> Vec<Fault> {
        let entries = std::mem::take(&mut self.entries);
        for (name, value) in entries {
            if self.faults.len() >= MOST_FAULTS {
                break;
            }
            if value.is_some() {
                self.object(&name, "is not a field that is known here");
            }
        }
        self.faults
    }

    fn without_repeats(mut self) -> Result<Self, Problem> {
        // Objects have a handful of fields, but one that was sent to do harm may have many.
        if self.entries.len() <= A_HANDFUL {
            let mut rest = self.entries.as_slice();
            while let Some(((name, _), others)) = rest.split_first() {
                if others.iter().any(|(other, _)| name == other) {
                    break;
                }
                rest = others;
            }
            if rest.is_empty() {
                return Ok(self);
            }
        }
        let mut names: Vec<&str> = self.entries.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        let repeated = names.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some((*one).to_owned()),
            _ => None,
        });
        match repeated {
            Some(name) => {
                self.entries.clear();
                self.object(&name, "must not be given twice");
                Err(Problem::invalid(self.faults))
            }
            None => Ok(self),
        }
    }
}

/// Where an object stands in the body, as a JSON pointer that is written only when it is needed.
#[derive(Debug)]
enum Prefix {
    /// It is the body.
    Body,
    /// It is at this pointer.
    Object(String),
    /// It is at this place of a list.
    Item(&'static str, u32),
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => Ok(()),
            Self::Object(pointer) => formatter.write_str(pointer),
            Self::Item(list, place) => write!(formatter, "/{list}/{place}"),
        }
    }
}

/// A JSON pointer (RFC 6901) to a field. Names are the client's, so their length is bounded, and a
/// code that stands where a name belongs is not repeated.
fn pointer(prefix: &Prefix, name: &str) -> String {
    const LONGEST: usize = 64;
    if SealedBlock::parse(name).is_ok() {
        return format!("{prefix}/…");
    }
    let shown: String = name.chars().take(LONGEST).collect();
    format!("{prefix}/{}", shown.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
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
}
