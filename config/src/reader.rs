//! Takes typed values out of the merged layers and gathers every problem on the way, so that one
//! start names them all. Knows types and ranges as it is told them, never a particular setting.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use config::ValueKind;

use crate::error::{Error, Problem};
use crate::layer::{Given, Layer, Origin};
use crate::secret_text::SecretText;

/// The merged layers, and the problems found in them so far.
pub(crate) struct Reader {
    values: Layer,
    problems: Vec<Problem>,
}

impl Reader {
    /// Lays each layer over the ones before it; `defaults` decides which keys exist.
    pub(crate) fn new(defaults: Layer, layers: Vec<Layer>, problems: Vec<Problem>) -> Self {
        let mut reader = Self { values: defaults, problems };
        for (key, given) in layers.into_iter().flatten() {
            reader.lay(key, given);
        }
        reader
    }

    /// A whole number within `range`; `fallback` where there is none, together with a problem.
    pub(crate) fn integer<T: TryFrom<u64>>(
        &mut self,
        key: &str,
        range: RangeInclusive<u64>,
        fallback: T,
    ) -> T {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        let number = match self.values.get_mut(key) {
            Some(Given { value: ValueKind::I64(number), .. }) => u64::try_from(*number).ok(),
            Some(Given { value: ValueKind::U64(number), .. }) => Some(*number),
            Some(given) => given.parse(ValueKind::U64),
            None => None,
        };
        let typed = number.filter(|number| range.contains(number));
        typed.and_then(|number| T::try_from(number).ok()).unwrap_or_else(|| {
            self.refuse(key, &accepted);
            fallback
        })
    }

    /// One of a few words, each with what it stands for.
    pub(crate) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)], fallback: T) -> T {
        let text = self.text(key);
        let chosen = choices.iter().find(|(name, _)| text.as_deref() == Some(*name));
        chosen.map(|(_, meaning)| *meaning).unwrap_or_else(|| {
            let names: Vec<String> =
                choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.refuse(key, &format!("one of {}", names.join(", ")));
            fallback
        })
    }

    /// `true` or `false`.
    pub(crate) fn switch(&mut self, key: &str, fallback: bool) -> bool {
        let value = match self.values.get_mut(key) {
            Some(Given { value: ValueKind::Boolean(value), .. }) => Some(*value),
            Some(given) => given.parse(ValueKind::Boolean),
            None => None,
        };
        value.unwrap_or_else(|| {
            self.refuse(key, "true or false");
            fallback
        })
    }

    /// An address with its port. Names are not accepted: looking them up is no part of a check.
    pub(crate) fn address(&mut self, key: &str, fallback: SocketAddr) -> SocketAddr {
        let address = self.text(key).and_then(|text| text.parse().ok());
        address.unwrap_or_else(|| {
            self.refuse(key, "an address with a port, such as 127.0.0.1:8080 or [::1]:8080");
            fallback
        })
    }

    /// An address with its port, or nothing where the text is empty.
    pub(crate) fn optional_address(
        &mut self,
        key: &str,
        fallback: SocketAddr,
    ) -> Option<SocketAddr> {
        match self.text(key) {
            Some(text) if text.is_empty() => None,
            _ => Some(self.address(key, fallback)),
        }
    }

    /// A list of at most so many items, each of which `read` understands.
    pub(crate) fn list<T>(
        &mut self,
        key: &str,
        accepted: &str,
        most: usize,
        read: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let texts = self.values.get_mut(key).and_then(Given::items);
        let items: Option<Vec<T>> =
            texts.and_then(|texts| texts.iter().map(|it| read(it)).collect());
        items.filter(|items| items.len() <= most).unwrap_or_else(|| {
            self.refuse(key, &format!("{accepted}; at most {most} of them"));
            Vec::new()
        })
    }

    /// A path, or nothing where the text is empty.
    pub(crate) fn optional_path(&mut self, key: &str) -> Option<PathBuf> {
        match self.text(key) {
            Some(text) if text.contains('\0') => self.refuse(key, "a path"),
            Some(text) if text.is_empty() => {}
            Some(text) => return Some(PathBuf::from(text)),
            None => self.refuse(key, "a path in quotation marks"),
        }
        None
    }

    /// Text that `is_accepted`; `fallback` where it is not, together with a problem.
    pub(crate) fn checked_text(
        &mut self,
        key: &str,
        accepted: &str,
        is_accepted: impl Fn(&str) -> bool,
        fallback: String,
    ) -> String {
        self.text(key).filter(|text| is_accepted(text)).unwrap_or_else(|| {
            self.refuse(key, accepted);
            fallback
        })
    }

    /// Text that is never shown.
    pub(crate) fn secret(&mut self, key: &str) -> SecretText {
        let text = self.text(key);
        if text.is_none() {
            self.refuse_unshown(key, "text in quotation marks");
        }
        SecretText::new(text.unwrap_or_default())
    }

    /// As [`Reader::refuse`], for what is never shown.
    pub(crate) fn refuse_unshown(&mut self, key: &str, accepted: &str) {
        let origin = self.values.get(key).map_or(Origin::Default, |given| given.origin.clone());
        let detail = format!("the value is not accepted; expected {accepted}");
        self.problems.push(Problem { key: key.to_owned(), origin: origin.to_string(), detail });
    }

    /// Notes that the value of `key` is not what is accepted.
    pub(crate) fn refuse(&mut self, key: &str, accepted: &str) {
        let (value, origin) = match self.values.get(key) {
            Some(given) => (shown(&given.value), given.origin.clone()),
            None => ("nothing".to_owned(), Origin::Default),
        };
        let detail = format!("{value} is not accepted; expected {accepted}");
        self.problems.push(Problem { key: key.to_owned(), origin: origin.to_string(), detail });
    }

    /// Whether nothing is wrong with `key` so far, so that it may be compared with others.
    pub(crate) fn is_sound(&self, key: &str) -> bool {
        self.problems.iter().all(|problem| problem.key != key)
    }

    /// Every value in force, in the order of the keys; or every problem.
    pub(crate) fn finish(self) -> Result<Layer, Error> {
        if self.problems.is_empty() { Ok(self.values) } else { Err(Error::Invalid(self.problems)) }
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.values.get(key) {
            Some(Given { value: ValueKind::String(text), .. }) => Some(text.clone()),
            _ => None,
        }
    }

    fn lay(&mut self, key: String, given: Given) {
        if let Some(value) = self.values.get_mut(&key) {
            *value = given;
            return;
        }
        let is_section = self.values.keys().any(|known| {
            known.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('.'))
        });
        let detail = match (is_section, &given.value) {
            // A section header with nothing under it sets nothing.
            (true, ValueKind::Table(_)) => return,
            (true, _) => "is a section and holds no value of its own".to_owned(),
            // The value is left out: behind a misspelt name there may be a secret.
            (false, _) => match self.nearest(&key) {
                Some(near) => format!("there is no such setting; is {near} meant?"),
                None => "there is no such setting".to_owned(),
            },
        };
        self.problems.push(Problem { key, origin: given.origin.to_string(), detail });
    }

    /// The known key that a misspelt one is most like, if it is like any: one that needs at most
    /// two letters changed, or that has the same last part in another section.
    fn nearest(&self, key: &str) -> Option<String> {
        let last = |key: &str| key.rsplit('.').next().map(str::to_owned);
        let close = self.values.keys().map(|known| (distance(known, key), known)).min();
        match close {
            Some((0..=2, known)) => Some(known.clone()),
            _ => self.values.keys().find(|known| last(known) == last(key)).cloned(),
        }
    }
}

/// A value as it is shown to people, with text in quotation marks and nothing unprintable.
pub(crate) fn shown(value: &ValueKind) -> String {
    const LIMIT: usize = 200;
    /// More than any setting may have, so that a change of one shows.
    const LISTED: usize = 100;
    match value {
        ValueKind::String(text) if text.chars().count() > LIMIT => {
            format!("{:?}…", text.chars().take(LIMIT).collect::<String>())
        }
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(items) => {
            let more = if items.len() > LISTED { ", …" } else { "" };
            let items: Vec<_> = items.iter().take(LISTED).map(|item| shown(&item.kind)).collect();
            format!("[{}{more}]", items.join(", "))
        }
        ValueKind::Table(_) => "a section".to_owned(),
        other => other.to_string(),
    }
}

/// Levenshtein's distance, by the usual single row. Keys are short, and long ones are cut.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, one) in left.chars().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
