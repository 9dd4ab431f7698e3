//! Arguments that become parts of a JSON body, or of an address.
//!
//! They are kept as the text that is sent, so that no number is rounded on its way. What they mean is
//! the server's to judge; here is only seen that they are of the right form.

use std::fs;

use redeemd_domain::rules::Weekday;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

/// A part of a body, as it is sent.
pub(super) type Json = Box<RawValue>;

/// The word that clears a field.
const NONE: &str = "none";

/// A text.
pub(super) fn text(text: &str) -> Result<Json, String> {
    raw(&text)
}

/// A text, or `none`.
pub(super) fn text_or_none(given: &str) -> Result<Json, String> {
    if given == NONE { raw(&()) } else { text(given) }
}

/// A whole number from 1 on; `unlimited` or `none` for no limit.
pub(super) fn limit(text: &str) -> Result<Json, String> {
    if [NONE, "unlimited"].contains(&text) {
        return raw(&());
    }
    raw(&number(text).ok_or("expected a whole number from 1 on, or unlimited")?)
}

/// `N`, or `N/day@Europe/Berlin`; `unlimited` or `none` for no limit.
pub(super) fn uses_per_user(text: &str) -> Result<Json, String> {
    let (rule, time_zone) = zoned(text);
    let Some((uses, per)) = rule.split_once('/') else { return limit(text) };
    let uses = number(uses).filter(|_| ["day", "week", "month"].contains(&per));
    let uses = uses.ok_or("expected N, N/day, N/week or N/month, such as 1/day@Europe/Berlin")?;
    raw(&json!({ "limit": uses, "per": per, "time_zone": time_zone }))
}

/// `5000:EUR`, an amount in the minor units of a currency.
pub(super) fn balance(text: &str) -> Result<Json, String> {
    let (units, currency) = text.split_once(':').unwrap_or_default();
    let units = number(units).filter(|_| !currency.is_empty());
    let units =
        units.ok_or("expected an amount in minor units and a currency, such as 5000:EUR")?;
    raw(&json!({ "currency": currency, "minor_units": units }))
}

/// `mon-fri,09:00-17:00@Europe/Berlin`, or `none`.
pub(super) fn window(text: &str) -> Result<Json, String> {
    const EXPECTED: &str = "expected weekdays and times, such as mon-fri,09:00-17:00@Europe/Berlin";
    if text == NONE {
        return raw(&());
    }
    let (rule, time_zone) = zoned(text);
    let (days, times) = rule.rsplit_once(',').ok_or(EXPECTED)?;
    let (from, to) = times.split_once('-').ok_or(EXPECTED)?;
    let weekdays: Option<Vec<_>> = days.split(',').map(weekdays).collect();
    let weekdays = weekdays.ok_or(EXPECTED)?.concat();
    raw(&json!({ "weekdays": weekdays, "from": from, "to": to, "time_zone": time_zone }))
}

/// What stands before `@`, and the time zone behind it; universal time where none is named.
fn zoned(text: &str) -> (&str, &str) {
    text.split_once('@').unwrap_or((text, "UTC"))
}

/// The names of one weekday, or of those from one to another: `sat-mon` is three days.
fn weekdays(text: &str) -> Option<Vec<&'static str>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let place = |name| Weekday::ALL.iter().position(|weekday| weekday.name() == name);
    let (first, last) = (place(first)?, place(last)?);
    let count = (last + Weekday::ALL.len() - first) % Weekday::ALL.len() + 1;
    let weekdays = Weekday::ALL.iter().cycle().skip(first).take(count);
    Some(weekdays.map(|weekday| weekday.name()).collect())
}

/// A JSON object, `@FILE` for one that is in a file, or `none`.
pub(super) fn object(text: &str) -> Result<Json, String> {
    if text == NONE {
        return raw(&());
    }
    let text = match text.strip_prefix('@') {
        None => text.to_owned(),
        Some(path) => fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
    };
    let json: Json = serde_json::from_str(&text).map_err(|error| format!("not JSON: {error}"))?;
    match json.get().starts_with('{') {
        true => Ok(json),
        false => Err("expected a JSON object, such as {\"gift\":\"tea\"}, or @FILE".to_owned()),
    }
}

/// An identifier, as it stands in an address.
pub(super) fn identifier(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    match !text.is_empty() && text.len() <= 128 && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("expected an id, such as camp_… (see `redeemd campaign list`)".to_owned()),
    }
}

/// The value of a header.
pub(super) fn header(text: &str) -> Result<String, String> {
    match !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        true => Ok(text.to_owned()),
        false => Err("expected printable ASCII characters".to_owned()),
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|&number| number > 0)
}

fn raw(value: &impl serde::Serialize) -> Result<Json, String> {
    to_raw_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parse = fn(&str) -> Result<Json, String>;

    fn read(parse: Parse, text: &str) -> Option<String> {
        parse(text).ok().map(|json| json.get().to_owned())
    }

    #[test]
    fn arguments_become_json() {
        let cases: [(Parse, &str, Option<&str>); 32] = [
            (text, "a \"b\"", Some(r#""a \"b\"""#)),
            (text, "none", Some(r#""none""#)),
            (text_or_none, "none", Some("null")),
            (text_or_none, "2026-12-01T00:00:00Z", Some(r#""2026-12-01T00:00:00Z""#)),
            (limit, "3", Some("3")),
            (limit, "unlimited", Some("null")),
            (limit, "0", None),
            (limit, "many", None),
            (uses_per_user, "2", Some("2")),
            (uses_per_user, "none", Some("null")),
            (uses_per_user, "1/day", Some(r#"{"limit":1,"per":"day","time_zone":"UTC"}"#)),
            (
                uses_per_user,
                "1/week@Europe/Berlin",
                Some(r#"{"limit":1,"per":"week","time_zone":"Europe/Berlin"}"#),
            ),
            (uses_per_user, "1/year", None),
            (uses_per_user, "x/day", None),
            (uses_per_user, "1/day/Europe/Berlin", None),
            (uses_per_user, "2@UTC", None),
            (balance, "5000:EUR", Some(r#"{"currency":"EUR","minor_units":5000}"#)),
            (balance, "5000", None),
            (balance, "5000:", None),
            (balance, "50.00:EUR", None),
            (
                window,
                "mon,sat-sun,09:00-17:00",
                Some(
                    r#"{"weekdays":["mon","sat","sun"],"from":"09:00","to":"17:00","time_zone":"UTC"}"#,
                ),
            ),
            (
                window,
                "sun-mon,22:00-02:00@Etc/GMT-14",
                Some(
                    r#"{"weekdays":["sun","mon"],"from":"22:00","to":"02:00","time_zone":"Etc/GMT-14"}"#,
                ),
            ),
            (window, "none", Some("null")),
            (window, "mon", None),
            (window, "09:00-17:00", None),
            (window, "mon,09:00", None),
            (window, "monday,09:00-17:00", None),
            (window, "mon-,09:00-17:00", None),
            (object, r#"{"price":1.10}"#, Some(r#"{"price":1.10}"#)),
            (object, "none", Some("null")),
            (object, "[1]", None),
            (object, "{", None),
        ];
        for (parse, given, expected) in cases {
            assert_eq!(read(parse, given).as_deref(), expected, "{given}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "{\"gift\": \"tea\"}\n").unwrap();
        let given = format!("@{}", file.path().display());
        assert_eq!(read(object, &given).as_deref(), Some("{\"gift\": \"tea\"}"));
        assert_eq!(read(object, "@/not/there"), None);
    }

    #[test]
    fn nothing_but_an_identifier_goes_into_an_address() {
        assert!(identifier("camp_0198-x").is_ok() && header("\"3\"").is_ok());
        for text in ["", "a/b", "a?b", "a b", "a\r\nb", "ä"] {
            assert!(identifier(text).is_err(), "{text:?}");
        }
        assert!(header("").is_err() && header("a\r\nX: b").is_err());
    }
}
