//! A line of JSON about an entry, and the parts that such lines have in common.

use std::fmt;

use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::control::{Import, Remarks};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::http::TimeText;

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    sequence: String,
    number: u64,
    at: String,
    command: &'static str,
    #[serde(flatten)]
    details: Value,
}

impl Line {
    pub(super) fn new(
        sequence: SequenceId,
        number: u64,
        at: Timestamp,
        command: &'static str,
        details: Value,
    ) -> Self {
        let (sequence, at) = (sequence.to_string(), TimeText(at).to_string());
        Self { sequence, number, at, command, details: without_nulls(details) }
    }
}

/// A code without its text: a sealed one by its place in its campaign, a listed one by the beginning
/// of its digest.
pub(super) fn code(key: &CodeKey) -> Value {
    match key {
        CodeKey::Sealed { campaign, serial } => {
            json!({ "campaign": campaign.0, "serial": serial.number() })
        }
        CodeKey::Listed(digest) => {
            let digest: String = digest.to_string().chars().take(8).collect();
            json!({ "digest_begins": digest })
        }
    }
}

/// An object that is kept as text.
pub(super) fn object(text: Option<&str>) -> Option<Box<RawValue>> {
    RawValue::from_string(text?.to_owned()).ok()
}

/// A word of the program's, as the interface writes it: `SealingKey` is `sealing_key`.
pub(super) fn name(word: impl fmt::Debug) -> String {
    let mut name = String::new();
    for letter in format!("{word:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// What came of an import.
pub(super) fn imported(campaign: CampaignNumber, import: &Import) -> Value {
    json!({
        "campaign": campaign.0,
        "imported": import.imported,
        "duplicates": import.duplicates,
        "rejected_count": import.rejected_count,
    })
}

/// What came of an import, and what stood out in it.
pub(super) fn imported_with(campaign: CampaignNumber, import: &Import, remarks: &Remarks) -> Value {
    json!({
        "campaign": campaign.0,
        "imported": import.imported,
        "duplicates": import.duplicates,
        "elsewhere": remarks.elsewhere,
        "short": remarks.short,
        "rejected_count": import.rejected_count,
    })
}

/// What is null says nothing.
pub(super) fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}
