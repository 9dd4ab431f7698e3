//! Campaigns as clients write and read them.

use std::sync::Arc;

use redeemd_domain::campaign::{
    Campaign, Codes, MAX_NAME_CHARACTERS, Status, Window, most_of_pattern,
};
use redeemd_domain::codes::Pattern;
use redeemd_domain::control::{Changes, Draft, DraftCodes, RuleChanges};
use redeemd_domain::timestamp::Timestamp;

use super::campaign_rules;
use super::events::PositionText;
use super::fields::{Fields, Presence};
use super::json::Object;
use super::kinds::{flag, object, text, time, whole};
use super::problem::{self, Problem};
use super::time_text::TimeText;
use crate::service::{PatternRoom, Tally};

/// A campaign to be made. Time zones are looked up as they are known now.
///
/// # Errors
/// Everything that is wrong with the body.
pub(super) fn draft(body: &[u8], now: Timestamp) -> Result<Draft, Problem> {
    let mut fields = Fields::of_body(body)?;
    let name = fields.required("name", text(1..=MAX_NAME_CHARACTERS));
    let codes = codes(&mut fields);
    let rules = campaign_rules::draft(&mut fields, now);
    let has_balance = rules.as_ref().is_some_and(|rules| rules.balance.is_some());
    let uses_per_code = match fields.take("uses_per_code", whole(1..=u32::MAX.into())) {
        // A code with money on it is spent from until nothing is left.
        Presence::Absent if has_balance => None,
        Presence::Absent => Some(1),
        Presence::Null => None,
        Presence::Given(uses) => u32::try_from(uses).ok(),
    };
    let window = Window {
        starts_at: fields.take("starts_at", time).given(),
        expires_at: fields.take("expires_at", time).given(),
    };
    let reward = fields.take("reward", object).given();
    let metadata = fields.take("metadata", object).given();
    fields.finish()?;
    if let DraftCodes::Pattern { pattern, allow_guessable } = &codes
        && most_of_pattern(pattern, *allow_guessable) == 0
    {
        let possible = pattern.possible();
        return Err(problem::of_pattern(PatternRoom { possible, most: 0, issued: 0, left: 0 }));
    }
    let rules = rules.map(Arc::new);
    Ok(Draft { name: name.into(), codes, rules, window, uses_per_code, reward, metadata })
}

/// What of a campaign shall be otherwise, and what of its rules beyond those of every campaign.
/// Time zones are looked up as they are known now.
///
/// # Errors
/// Everything that is wrong with the body.
pub(super) fn changes(
    body: &[u8],
    now: Timestamp,
) -> Result<(Changes, Option<RuleChanges>), Problem> {
    let mut fields = Fields::of_body(body)?;
    let name = match fields.take("name", text(1..=MAX_NAME_CHARACTERS)) {
        Presence::Absent => None,
        Presence::Given(name) => Some(name.into()),
        Presence::Null => {
            fields.object("name", "must not be null");
            None
        }
    };
    let uses = fields.take("uses_per_code", whole(1..=u32::MAX.into()));
    let changes = Changes {
        name,
        starts_at: fields.take("starts_at", time).change(),
        expires_at: fields.take("expires_at", time).change(),
        uses_per_code: uses.change().map(|uses| uses.and_then(|uses| u32::try_from(uses).ok())),
        reward: fields.take("reward", object).change(),
        metadata: fields.take("metadata", object).change(),
    };
    let rules = campaign_rules::changes(&mut fields, now);
    fields.finish()?;
    Ok((changes, rules))
}

/// Writes a campaign. The counts are left out of answers that a repeated request must get again,
/// since they go on changing.
pub(super) fn write(
    campaign: &Campaign,
    tally: Option<(&Tally, PositionText)>,
    object: &mut Object<'_>,
) {
    object.display("id", &campaign.id);
    object.text("name", &campaign.name);
    object.text("status", status_name(campaign.status));
    object.object("codes", |codes| write_codes(&campaign.codes, codes));
    object.number_or_null("uses_per_code", campaign.uses_per_code.map(u64::from));
    campaign_rules::write(campaign.rules.as_deref(), object);
    let Window { starts_at, expires_at } = campaign.window;
    for (name, time) in [("starts_at", starts_at), ("expires_at", expires_at)] {
        let time = time.map(TimeText);
        object.display_or_null(name, time.as_ref().map(|time| time as &dyn std::fmt::Display));
    }
    object.raw("reward", campaign.reward().unwrap_or("null"));
    object.raw("metadata", campaign.metadata.as_deref().unwrap_or("null"));
    object.display("created_at", &TimeText(campaign.id.at));
    if let Some((Tally { issued, redeemed, held, revoked, as_of }, form)) = tally {
        object.object("counts", |counts| {
            counts.number("issued", *issued);
            counts.number("redeemed", *redeemed);
            counts.number("held", *held);
            counts.number("revoked", *revoked);
            let as_of = as_of.as_ref().map(|position| form.write(position));
            let as_of = as_of.as_ref().map(|position| position as &dyn std::fmt::Display);
            counts.display_or_null("as_of", as_of);
        });
    }
}

/// What clients call a status.
pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Paused => "paused",
        Status::Archived => "archived",
    }
}

fn write_codes(codes: &Codes, object: &mut Object<'_>) {
    match codes {
        Codes::Sealed { .. } => object.text("kind", "sealed"),
        Codes::Imported => object.text("kind", "imported"),
        Codes::Pattern { pattern, allow_guessable, .. } => {
            object.text("kind", "pattern");
            object.text("pattern", pattern.text());
            object.text("alphabet", pattern.alphabet());
            object.flag("allow_guessable", *allow_guessable);
        }
    }
}

/// Where the codes shall come from. Sealed ones stand for what is not accepted, until the fields
/// tell.
fn codes(fields: &mut Fields<'_>) -> DraftCodes {
    let Some(mut codes) = fields.required_object("codes") else { return DraftCodes::Sealed };
    let kind = codes.required("kind", text(1..=32));
    let draft = match &*kind {
        "imported" => DraftCodes::Imported,
        "pattern" => pattern(&mut codes),
        "sealed" => DraftCodes::Sealed,
        _ if codes.has_faults() => DraftCodes::Sealed,
        _ => {
            codes.object("kind", "must be \"sealed\", \"pattern\" or \"imported\"");
            DraftCodes::Sealed
        }
    };
    fields.absorb(codes);
    draft
}

fn pattern(codes: &mut Fields<'_>) -> DraftCodes {
    let shape = codes.required("pattern", text(1..=Pattern::LONGEST));
    let alphabet = codes.take("alphabet", text(1..=Pattern::LONGEST)).given();
    let allow_guessable = codes.take("allow_guessable", flag).given().unwrap_or_default();
    if codes.has_faults() {
        return DraftCodes::Sealed;
    }
    match Pattern::new(&shape, alphabet.as_deref().unwrap_or(Pattern::USUAL_ALPHABET)) {
        Ok(pattern) => DraftCodes::Pattern { pattern, allow_guessable },
        Err(fault) => {
            let name = if fault.is_about_alphabet() { "alphabet" } else { "pattern" };
            codes.object(name, fault.to_string());
            DraftCodes::Sealed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(body: &[u8]) -> Result<Draft, Problem> {
        super::draft(body, Timestamp(1_795_000_000_000))
    }

    fn changes(body: &[u8]) -> Result<Changes, Problem> {
        super::changes(body, Timestamp(1_795_000_000_000)).map(|(changes, _)| changes)
    }

    #[test]
    fn a_campaign_has_sensible_defaults() {
        let draft = draft(br#"{"name":"Launch","codes":{"kind":"sealed"}}"#).unwrap();
        assert_eq!((draft.uses_per_code, draft.window), (Some(1), Window::default()));
        assert_eq!((draft.reward, draft.metadata), (None, None));
    }

    #[test]
    fn null_clears_and_absent_leaves() {
        let body =
            br#"{"uses_per_code":null,"expires_at":"1970-01-01T00:00:01Z","reward":{"a":1}}"#;
        let changes = changes(body).unwrap();
        assert_eq!(changes.uses_per_code, Some(None));
        assert_eq!(changes.expires_at, Some(Some(Timestamp(1000))));
        assert_eq!(changes.reward, Some(Some("{\"a\":1}".into())));
        assert_eq!((changes.name, changes.starts_at, changes.metadata), (None, None, None));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for body in [
            r#"{"codes":{"kind":"sealed"}}"#,
            r#"{"name":"","codes":{"kind":"sealed"}}"#,
            r#"{"name":"x","codes":{}}"#,
            r#"{"name":"x","codes":{"kind":"imports"}}"#,
            r#"{"name":"x","codes":{"kind":"imported","pattern":"A-########"}}"#,
            r#"{"name":"x","codes":{"kind":"pattern"}}"#,
            r#"{"name":"x","codes":{"kind":"pattern","pattern":"A-###"}}"#,
            r#"{"name":"x","codes":{"kind":"pattern","pattern":"A,########"}}"#,
            r#"{"name":"x","codes":{"kind":"pattern","pattern":"A-########","alphabet":"AA"}}"#,
            r#"{"name":"x","codes":{"kind":"pattern","pattern":"A-########","length":9}}"#,
            r#"{"name":"x","codes":{"kind":"sealed","pattern":"A"}}"#,
            r#"{"name":"x","codes":"sealed"}"#,
            r#"{"name":"x","codes":{"kind":"sealed"},"uses_per_code":0}"#,
            r#"{"name":"x","codes":{"kind":"sealed"},"uses_per_code":4294967296}"#,
            r#"{"name":"x","codes":{"kind":"sealed"},"expires_at":"tomorrow"}"#,
            r#"{"name":"x","codes":{"kind":"sealed"},"reward":[]}"#,
            r#"{"name":"x","codes":{"kind":"sealed"},"uses_per_users":1}"#,
        ] {
            assert!(draft(body.as_bytes()).is_err(), "{body}");
        }
        for body in [r#"{"name":null}"#, r#"{"status":"paused"}"#, r#"{"codes":{}}"#, "[]"] {
            assert!(changes(body.as_bytes()).is_err(), "{body}");
        }
    }
}
