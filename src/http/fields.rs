//! Reads the fields of a JSON object and gathers everything that is wrong with them, each fault with
//! its place. It must never repeat a value that was sent: that may be a code.

mod prefix;
mod presence;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::kinds::list;
use super::problem::{Fault, Kind, Place, Problem};
use super::raw_json::Entries;
use prefix::Prefix;
pub(super) use presence::Presence;

/// The most faults that are told of one object, about: whoever sends more has sent something else.
const MOST_FAULTS: usize = 100;

/// So many fields are compared one by one.
const A_HANDFUL: usize = 8;

/// Why a value is not accepted, as the end of a sentence about it.
pub(super) type Objection = Cow<'static, str>;

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
        self.needed(name, kind).unwrap_or_default()
    }

    /// Takes a field that must be there; `None` where it is not, or not accepted, which is noted.
    pub(super) fn needed<T>(
        &mut self,
        name: &'static str,
        kind: impl FnOnce(&'a RawValue) -> Result<T, Objection>,
    ) -> Option<T> {
        let faults = self.faults.len();
        let presence = self.take(name, kind);
        self.insist(name, presence, faults)
    }

    /// Takes an object that must be there, for its own fields; hand it to [`Fields::absorb`] at the
    /// end. `None` where there is none, which is noted.
    pub(super) fn required_object(&mut self, name: &'static str) -> Option<Self> {
        let faults = self.faults.len();
        let presence = self.take_object(name);
        self.insist(name, presence, faults)
    }

    /// The value of a field that must be there. So many faults were known before it was taken.
    fn insist<T>(&mut self, name: &str, presence: Presence<T>, faults: usize) -> Option<T> {
        match presence {
            Presence::Given(value) => return Some(value),
            Presence::Absent if self.faults.len() > faults => {}
            Presence::Absent => self.object(name, "is missing"),
            Presence::Null => self.object(name, "must not be null"),
        }
        None
    }

    /// Takes an object that may be missing or null, for its own fields; hand it to
    /// [`Fields::absorb`] at the end.
    pub(super) fn take_object(&mut self, name: &'static str) -> Presence<Self> {
        let read = |value: &'a RawValue| {
            let entries = serde_json::from_str::<Entries<'a>>(value.get());
            entries.map(|Entries(entries)| entries).map_err(|_| "must be a JSON object".into())
        };
        let entries = match self.take(name, read) {
            Presence::Given(entries) => entries,
            Presence::Absent => return Presence::Absent,
            Presence::Null => return Presence::Null,
        };
        let prefix = Prefix::Object(format!("{}/{name}", self.prefix));
        match (Self { prefix, entries, faults: Vec::new() }).without_repeats() {
            Ok(inner) => Presence::Given(inner),
            Err(_) => {
                self.object(name, "must not have two fields of one name");
                Presence::Absent
            }
        }
    }

    /// Takes a list of 1 to `MOST` objects of the body that may be missing or null, each for its own
    /// fields; hand them to [`Fields::absorb`] at the end. What is no object is noted and left out.
    pub(super) fn take_objects<const MOST: usize>(
        &mut self,
        name: &'static str,
    ) -> Presence<Vec<Self>> {
        let items = match self.take(name, list::<MOST>) {
            Presence::Given(items) => items,
            Presence::Absent => return Presence::Absent,
            Presence::Null => return Presence::Null,
        };
        let mut objects = Vec::with_capacity(items.len());
        for (place, item) in (0..).zip(items) {
            match Self::of_item(item, name, place) {
                Ok(object) => objects.push(object),
                Err(_) => self.faults.push(Fault {
                    place: Place::Body(Prefix::Item(name, place).to_string()),
                    detail: "must be a JSON object with no field given twice".into(),
                }),
            }
        }
        Presence::Given(objects)
    }

    /// Whether a field that was not taken yet is an object.
    pub(super) fn is_object(&self, name: &str) -> bool {
        let value = self.entries.iter().find(|(known, _)| known == name).and_then(|entry| entry.1);
        value.is_some_and(|value| value.get().starts_with('{'))
    }

    /// Takes over what is wrong with an object within.
    pub(super) fn absorb(&mut self, inner: Self) {
        self.faults.extend(inner.into_faults());
    }

    /// Notes that a field is not accepted.
    pub(super) fn object(&mut self, name: &str, objection: impl Into<Objection>) {
        let place = Place::Body(self.prefix.pointer_to(name));
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
