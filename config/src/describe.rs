//! What is in force and where it came from, for people to read. Never shows a secret: a key
//! that may hold one has to be named here.

use std::fmt;

use config::ValueKind;

use crate::layer::Layer;
use crate::reader::shown;
use crate::secret_text::SecretText;

/// Keys whose values are never shown, only whether they are set.
const SECRET: [&str; 4] =
    ["postgres.replica_url", "postgres.url", "redis.sentinel_password", "redis.url"];

/// Every setting in force, sorted by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(Vec<Described>);

/// One setting in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The key, such as `http.listen`.
    pub key: String,
    /// The value as it would stand in a settings file; never a secret.
    pub value: String,
    /// Where it was given, such as `the defaults`.
    pub origin: String,
    /// The whole value where it is text, which may be secret or cut where it is shown: by this it is
    /// seen that it was changed.
    pub(crate) hidden: SecretText,
}

impl Description {
    /// The settings in force, sorted by key.
    pub fn settings(&self) -> &[Described] {
        &self.0
    }

    pub(crate) fn new(values: Layer) -> Self {
        let described = values.into_iter().map(|(key, given)| Described {
            value: value_of(&key, &given.value),
            origin: given.origin.to_string(),
            hidden: text_of(&given.value),
            key,
        });
        Self(described.collect())
    }
}

impl fmt::Display for Description {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|setting| setting.key.len() + setting.value.len() + 3).max();
        let width = width.unwrap_or_default().min(70);
        for Described { key, value, origin, .. } in &self.0 {
            let assignment = format!("{key} = {value}");
            writeln!(formatter, "{assignment:width$}  # from {origin}")?;
        }
        Ok(())
    }
}

fn text_of(value: &ValueKind) -> SecretText {
    match value {
        ValueKind::String(text) => SecretText::new(text.clone()),
        _ => SecretText::default(),
    }
}

fn value_of(key: &str, value: &ValueKind) -> String {
    match value {
        ValueKind::String(text) if SECRET.contains(&key) && !text.is_empty() => {
            "\"(set, not shown)\"".to_owned()
        }
        value => shown(value),
    }
}
