//! What an event says, in the words in which the database's rows are told.

use redeemd_domain::identifier::{EventId, HoldId, RedemptionId};
use redeemd_domain::timestamp::Timestamp;
use serde_json::Value;

use crate::application::comparison::Fact;
use crate::http::parse_time;

/// What an event must have left.
#[derive(Debug, Default)]
pub(super) struct Saying {
    /// Rows of its own.
    pub(super) rows: Vec<Fact>,
    /// A redemption that it rolled back as a whole, and what its row must say.
    pub(super) rollback: Option<(String, Timestamp, Fact)>,
    /// Holds that it ended, and what their rows must say.
    pub(super) ended: Vec<(String, Timestamp, Fact)>,
}

impl Saying {
    /// What an event says; `None` where it has not the fields of its type.
    pub(super) fn of(id: &EventId, event: &Value) -> Option<Self> {
        let mut saying = Self::default();
        let entry = id.position.number;
        let campaign = event.get("campaign_id").and_then(Value::as_str).unwrap_or("?");
        let at = id.at.0;
        let row = |about: String, text: String| Fact { entry, about, text };
        let movement = |kind: &str, said: &Value, redemption: &str| {
            let (amount, left) = money(said)?;
            let about = format!("movement of entry {entry}");
            Some(row(about, format!("{campaign} {kind} {amount} {left} {redemption}")))
        };
        match text(event, "type")? {
            "redemption.created" => {
                let said = event.get("redemption")?;
                let (redemption, user) = (text(said, "id")?, text(said, "user_id")?);
                let of_hold = match event.get("ends_hold")?.as_bool()? {
                    true => "of a hold",
                    false => "directly",
                };
                let money = money(said).map(|(amount, left)| format!("{amount} {left}"));
                let (hint, at) = (text(said, "code_hint")?, time(said, "redeemed_at")?.0);
                saying.rows.push(row(
                    format!("redemption {redemption}"),
                    format!(
                        "{campaign} {user} {hint} {at} {} {of_hold}",
                        money.as_deref().unwrap_or("- -")
                    ),
                ));
                saying.rows.extend(movement("spent", said, redemption));
            }
            "redemption.rolled_back" => {
                let said = event.get("rollback")?;
                let (redemption, reason) = (text(said, "redemption_id")?, text(said, "reason")?);
                let fact = row(format!("rollback of {redemption}"), format!("{at} {reason} t"));
                let of = RedemptionId::parse(redemption)?.at;
                saying.rollback = Some((redemption.to_owned(), of, fact));
                saying.rows.extend(movement("returned", said, redemption));
            }
            "redemption.partly_rolled_back" => {
                let said = event.get("rollback")?;
                saying.rows.push(movement("returned", said, text(said, "redemption_id")?)?);
            }
            "code.topped_up" => saying.rows.push(movement("topped_up", event.get("top_up")?, "-")?),
            "hold.placed" => {
                let said = event.get("hold")?;
                let (hold, user) = (text(said, "id")?, text(said, "user_id")?);
                let hint = text(said, "code_hint")?;
                let held_at = HoldId::parse(hold)?.at.0;
                saying.rows.push(row(
                    format!("hold {hold}"),
                    format!("{campaign} {user} {hint} {held_at}"),
                ));
            }
            "hold.released" => {
                saying.ended.push(ended(entry, event.get("hold")?, "released", at)?);
            }
            "holds.expired" => {
                for hold in event.get("holds")?.as_array()? {
                    saying.ended.push(ended(entry, hold, "expired", at)?);
                }
            }
            _ => {}
        }
        Some(saying)
    }
}

fn ended(entry: u64, hold: &Value, how: &str, at: u64) -> Option<(String, Timestamp, Fact)> {
    let id = text(hold, "id")?;
    let (about, text) = (format!("end of {id}"), format!("{how} {at}"));
    Some((id.to_owned(), HoldId::parse(id)?.at, Fact { entry, about, text }))
}

/// What was moved, and what was left, where money was.
pub(super) fn money(said: &Value) -> Option<(u64, u64)> {
    let amount = said.get("amount")?.get("minor_units")?.as_u64()?;
    Some((amount, said.get("balance_left")?.as_u64()?))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn time(value: &Value, name: &str) -> Option<Timestamp> {
    parse_time(text(value, name)?)
}
