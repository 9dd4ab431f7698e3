//! Amounts of money, as bodies say them: in minor units, and nothing about the currency, which is
//! the campaign's.

use redeemd_domain::rules::MAX_BALANCE;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::Objection;
use super::json::Object;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amount {
    minor_units: u64,
}

/// An amount as `{"minor_units": 1250}`.
pub(super) fn amount(value: &RawValue) -> Result<u64, Objection> {
    let amount = serde_json::from_str::<Amount>(value.get()).ok();
    let minor_units = amount.map(|amount| amount.minor_units);
    minor_units.filter(|amount| (1..=MAX_BALANCE).contains(amount)).ok_or_else(|| {
        format!("must be {{\"minor_units\": …}} with a whole number from 1 to {MAX_BALANCE}").into()
    })
}

/// As [`amount`], or the number alone.
pub(super) fn amount_or_number(value: &RawValue) -> Result<u64, Objection> {
    match serde_json::from_str::<u64>(value.get()) {
        Ok(number) if (1..=MAX_BALANCE).contains(&number) => Ok(number),
        _ => amount(value),
    }
}

/// Writes an amount.
pub(super) fn write(name: &str, minor_units: u64, object: &mut Object<'_>) {
    object.object(name, |amount| amount.number("minor_units", minor_units));
}
