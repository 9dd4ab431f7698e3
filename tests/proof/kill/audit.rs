//! The look back after a restart: what the server says now, against the book.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use redeemd::client::{Client, Request};
use serde_json::Value;

use super::Fault;
use super::book::{Book, Campaign};
use super::life::Life;
use crate::dice::Dice;

/// How many older redemptions are looked up, besides all of the last round.
const OLDER: usize = 60;

/// Looks at everything that the last round changed, at all campaigns, at all codes, and at some
/// older redemptions. Nobody else may talk to the server meanwhile.
pub(super) fn look_back(client: &mut Client, book: &Book, dice: &mut Dice) -> Result<(), Fault> {
    let fresh = std::mem::take(&mut *book.fresh.lock().unwrap());
    for redemption in &fresh {
        look_up(client, book, redemption)?;
    }
    for campaign in book.campaigns() {
        look_at_campaign(client, &campaign)?;
        look_at_codes(client, &campaign)?;
        let codes = campaign.codes.read().unwrap().clone();
        for _ in 0..OLDER.min(codes.len()) {
            let code = &codes[dice.below(codes.len())];
            let redemptions = code.history.lock().unwrap().acknowledged.clone();
            for redemption in &redemptions {
                look_up(client, book, redemption)?;
            }
        }
    }
    Ok(())
}

/// Looks at every redemption there ever was, and whether used-up codes refuse.
pub(super) fn look_at_everything(
    client: &mut Client,
    book: &Book,
    dice: &mut Dice,
) -> Result<(), Fault> {
    look_back(client, book, dice)?;
    for campaign in book.campaigns() {
        let rules = campaign.rules();
        for code in campaign.codes.read().unwrap().iter() {
            let history = code.history.lock().unwrap();
            for redemption in &history.acknowledged {
                look_up(client, book, redemption)?;
            }
            if rules.uses.acknowledged != Some(history.acknowledged.len() as u64) {
                continue;
            }
            let body = crate::site::redemption(&code.text, "a-stranger");
            let answer = client.send(&Request::post("/api/v1/redemptions", &body));
            let answer = answer.map_err(|error| error.to_string())?;
            if answer.problem().as_deref() != Some("already_redeemed") {
                return Err(format!("a stranger got {} for {history:?}", answer.summary()));
            }
        }
    }
    Ok(())
}

/// Compares how many redemptions the events tell of.
pub(super) fn count(book: &Book, life: &Life) -> Result<(), Fault> {
    let (mut least, mut most) = (0, 0);
    for campaign in book.campaigns() {
        for code in campaign.codes.read().unwrap().iter() {
            let history = code.history.lock().unwrap();
            least += history.acknowledged.len() as u64;
            most += history.most();
        }
    }
    let told = life.redemptions_of_others();
    match (least..=most).contains(&told) {
        true => Ok(()),
        false => Err(format!("events tell of {told} redemptions, and {least} to {most} happened")),
    }
}

fn look_up(client: &mut Client, book: &Book, redemption: &Value) -> Result<(), Fault> {
    let id = redemption["id"].as_str().unwrap_or_default();
    let path = format!("/api/v1/redemptions/{id}");
    let answer = client.send(&Request::get(&path)).map_err(|error| error.to_string())?;
    if answer.status() != 200 || answer.json().ok().as_ref() != Some(redemption) {
        return Err(format!("LOST: {redemption} was answered, and is {} now", answer.summary()));
    }
    book.tally().checked.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

fn look_at_campaign(client: &mut Client, campaign: &Campaign) -> Result<(), Fault> {
    let path = campaign.path();
    let answer = client.send(&Request::get(&path)).map_err(|error| error.to_string())?;
    let found = answer.json().map_err(|error| error.to_string())?;
    let in_context = |fault: String| format!("{path}: {fault}; it is {found}");

    let mut rules = campaign.rules.lock().unwrap();
    let name = found["name"].as_str().unwrap_or_default().to_owned();
    rules.name.observe(name).map_err(in_context)?;
    rules.reward.observe(found["reward"].clone()).map_err(in_context)?;
    rules.paused.observe(found["status"] == "paused").map_err(in_context)?;
    rules.uses.observe(found["uses_per_code"].as_u64()).map_err(in_context)?;

    let counts = &found["counts"];
    let issued = campaign.issued.lock().unwrap();
    let range = issued.end..=issued.end + issued.unknown;
    if !counts["issued"].as_u64().is_some_and(|count| range.contains(&count)) {
        return Err(in_context(format!("{issued:?} were issued")));
    }
    let (mut least, mut most) = (0, 0);
    for code in campaign.codes.read().unwrap().iter() {
        let history = code.history.lock().unwrap();
        least += history.acknowledged.len() as u64;
        most += history.most();
    }
    if !counts["redeemed"].as_u64().is_some_and(|count| (least..=most).contains(&count)) {
        return Err(in_context(format!("it was redeemed {least} to {most} times")));
    }
    Ok(())
}

/// Compares the text and the state of every code.
fn look_at_codes(client: &mut Client, campaign: &Arc<Campaign>) -> Result<(), Fault> {
    let path = campaign.codes_path();
    let request = Request::get(&path).accept("application/x-ndjson");
    let answer = client.send(&request).map_err(|error| error.to_string())?;
    if answer.status() != 200 {
        return Err(format!("exporting the codes got {}", answer.summary()));
    }
    let lines: Vec<&[u8]> = answer.body().split(|&byte| byte == b'\n').collect();
    for code in campaign.codes.read().unwrap().iter() {
        let line = lines.get(code.index as usize).copied().unwrap_or_default();
        let line: Value = serde_json::from_slice(line)
            .map_err(|_| format!("the code with index {} is not exported", code.index))?;
        if line["code"] != code.text.as_str() {
            return Err(format!("the code with index {} is another now", code.index));
        }
        let history = code.history.lock().unwrap();
        let (least, most) = (history.acknowledged.len() as u64, history.most());
        let uses = line["uses"].as_u64();
        let state = if uses == Some(0) { "issued" } else { "redeemed" };
        if !uses.is_some_and(|uses| (least..=most).contains(&uses)) || line["state"] != state {
            return Err(format!(
                "the code with index {} is {} with {uses:?} uses, and {history:?} is known",
                code.index, line["state"]
            ));
        }
    }
    Ok(())
}
