//! Times, as answers say them and as this machine's clock shows them.

use std::time::UNIX_EPOCH;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::Fault;

/// The milliseconds since 1970 of a time in an answer.
pub(super) fn millis(time: &Value) -> Result<u64, Fault> {
    let parsed = time.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let millis = parsed.map(|time| time.unix_timestamp_nanos() / 1_000_000);
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    millis.ok_or_else(|| format!("{time} is no time"))
}

/// Now.
pub(super) fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_millis() as u64
}
