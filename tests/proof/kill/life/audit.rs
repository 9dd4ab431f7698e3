//! What the server says when it is asked for single things, against what its events tell.

use redeemd::client::{Client, Request};
use serde_json::{Value, json};

use super::super::Fault;
use super::super::sending::{Sent, send};
use super::campaign::Campaign;
use super::code_life::CodeLife;
use super::counts::Counts;
use super::follower::campaign_as_read;
use super::model::Model;
use super::moment::{millis, now};
use super::wish::{Deed, Standing, Wish};

/// How many redemptions are told of a code.
const MOST_REDEMPTIONS: usize = 100;

/// Looks a code up.
pub(super) fn look_up(client: &mut Client, life: &CodeLife) -> Result<(), Fault> {
    let body = json!({ "code": life.code.text }).to_string();
    let mut found = ask(client, &Request::post("/api/v1/codes/lookup", &body))?;
    let campaign = found.as_object_mut().and_then(|found| found.shift_remove("campaign"));
    if campaign.is_none_or(|campaign| campaign["id"] != *life.code.campaign.id) {
        return Err(format!("{} is of another campaign", life.code.hint));
    }
    let expected = expected(life);
    match found == expected {
        true => Ok(()),
        false => Err(format!("a code is {found}\nand by its events {expected}")),
    }
}

/// Reads what came of a wish.
pub(super) fn look_at(client: &mut Client, model: &Model, wish: &Wish) -> Result<(), Fault> {
    let Standing::Answered(answer) = wish.state().standing.clone() else { return Ok(()) };
    let id = answer["id"].as_str().unwrap_or_default();
    let life = model.code(&wish.code.hint).ok_or("nothing happened to a code")?;
    let (path, expected) = match wish.deed {
        Deed::Hold { .. } => (format!("holds/{id}"), life.hold(id).map(|it| it.answer.clone())),
        Deed::TopUp { .. } | Deed::Release { .. } => return Ok(()),
        _ => (format!("redemptions/{id}"), life.redemption(id).map(|it| it.as_read())),
    };
    let expected = expected.ok_or("an answer names what no event tells of")?;
    // What ends just now is one or the other.
    if expected["status"] == "held" && millis(&expected["expires_at"])? < now() + 60_000 {
        return Ok(());
    }
    let found = ask(client, &Request::get(&format!("/api/v1/{path}")))?;
    match found == expected {
        true => Ok(()),
        false => Err(format!("{path} is {found}\nand by its events {expected}")),
    }
}

/// Reads a campaign's counts, while nothing happens.
pub(super) fn count(client: &mut Client, model: &Model, campaign: &Campaign) -> Result<(), Fault> {
    let found = campaign_as_read(client, &campaign.id)?.ok_or("a campaign is not to be had")?;
    let (read, told) = (Counts::read(&found["counts"]), model.counts.of(&campaign.id));
    match read == told {
        true => Ok(()),
        false => Err(format!("{} counts {read:?}, and by its events {told:?}", campaign.id)),
    }
}

fn expected(life: &CodeLife) -> Value {
    let limit = life.code.campaign.terms.uses_per_code;
    let brief = |answer: &Value| {
        let of = |name: &str| answer[name].clone();
        json!({
            "id": of("id"), "user_id": of("user_id"), "placed_at": of("placed_at"),
            "expires_at": of("expires_at"),
        })
    };
    let holds: Vec<_> = life.live().map(|(_, hold)| brief(&hold.answer)).collect();
    let newest = life.redemptions.iter().rev().take(MOST_REDEMPTIONS);
    let redemptions: Vec<_> = newest.map(|redemption| redemption.as_read()).collect();
    let mut expected = json!({
        "code_hint": life.code.hint,
        "state": if life.uses > 0 { "redeemed" } else { "issued" },
        "uses": life.uses,
        "uses_left": limit.map(|limit| limit.saturating_sub(life.uses)),
        "holds": holds,
        "redemptions": redemptions,
    });
    if let Some(balance) = life.balance {
        expected["balance_left"] = balance.into();
    }
    expected
}

fn ask(client: &mut Client, request: &Request<'_>) -> Result<Value, Fault> {
    match send(client, request)? {
        Sent::Answered(answer) if answer.status() == 200 => {
            answer.json().map_err(|error| error.to_string())
        }
        Sent::Answered(answer) => Err(format!("{request:?} got {}", answer.summary())),
        Sent::CutOff | Sent::Not => Err(format!("{request:?} got no answer")),
    }
}
