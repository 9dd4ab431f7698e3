//! JSON of the client's own, which the server keeps and gives back: whoever reads it later, be it a
//! program in another language or a database, must be able to.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The most levels of objects and lists within each other. Readers end at 100 or so (`serde_json` at
/// 127), and an answer puts a few levels of its own around them.
pub(super) const MOST_LEVELS: usize = 64;

/// Whether a text is JSON that every reader reads, and reads alike: no deeper than [`MOST_LEVELS`],
/// no field twice in an object, no lone surrogates, no zero characters, no number beyond the range of
/// a double.
pub(super) fn is_readable(json: &str) -> bool {
    let mut reader = serde_json::Deserializer::from_str(json);
    Part { levels_left: MOST_LEVELS }.deserialize(&mut reader).is_ok() && reader.end().is_ok()
}

/// A value, in which so many levels may follow.
#[derive(Clone, Copy)]
struct Part {
    levels_left: usize,
}

impl Part {
    /// The values within an object or a list.
    fn within<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels_left = self.levels_left.checked_sub(1);
        let levels_left = levels_left.ok_or_else(|| E::custom("too many levels"))?;
        Ok(Self { levels_left })
    }
}

impl<'a> DeserializeSeed<'a> for Part {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Part {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON that others can read")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        match text.contains('\0') {
            true => Err(E::custom("a zero character")),
            false => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        let within = self.within()?;
        while list.next_element_seed(within)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let within = self.within()?;
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            self.visit_str::<A::Error>(&name)?;
            if !names.insert(name) {
                return Err(A::Error::custom("a field twice"));
            }
            map.next_value_seed(within)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_readers_cannot_read_is_found() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let objects =
            |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        for good in [
            r#"{"a":[1,-2,0.5,1e9,true,null,"\u00e9","\ud83d\ude00"],"b":{"a":{}}}"#,
            r#"{"a":"\\u0000"}"#,
            &nested(MOST_LEVELS),
            &objects(MOST_LEVELS),
        ] {
            assert!(is_readable(good), "{good}");
        }
        for bad in [
            "",
            "{",
            r#"{"a":1}x"#,
            r#"{"a":1,"a":2}"#,
            r#"{"b":[{"a":1,"\u0061":2}]}"#,
            r#"{"a":"\u0000"}"#,
            r#"{"\u0000":1}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
            &nested(MOST_LEVELS + 1),
            &objects(MOST_LEVELS + 1),
            &nested(3_000),
        ] {
            assert!(!is_readable(bad), "{bad:.60}");
        }
    }
}
