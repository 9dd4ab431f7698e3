//! What a redemption may be answered, by what is known of its code and of the campaign's rules.

use redeemd::client::Answer;
use serde_json::Value;

use super::Fault;
use super::book::Code;
use super::rules::Rules;

/// Judges a refusal. `before` and `after` are the rules around the request.
pub(super) fn judge_refusal(
    answer: &Answer,
    can_be_used_up: bool,
    before: &Rules,
    after: &Rules,
) -> Result<(), Fault> {
    let is_right = match answer.problem().as_deref() {
        Some("already_redeemed") => can_be_used_up,
        Some("campaign_paused") => Rules::may_be_paused(before, after),
        Some("overloaded") => true,
        _ => false,
    };
    if is_right {
        return Ok(());
    }
    Err(format!("a redemption got {}, with the rules {before:?} and {after:?}", answer.summary()))
}

/// Judges the answer to a redemption that happened.
pub(super) fn judge_redemption(
    answer: &Answer,
    body: &str,
    code: &Code,
    before: &Rules,
    after: &Rules,
) -> Result<Value, Fault> {
    let redemption = answer.json().map_err(|error| error.to_string())?;
    let asked: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let is_right = redemption["user_id"] == asked["user_id"]
        && redemption["metadata"] == asked["metadata"]
        && redemption["campaign_id"] == code.campaign.id.as_str()
        && redemption["status"] == "redeemed";
    if !is_right {
        return Err(format!("{asked} was answered {redemption}"));
    }
    // A repeated answer may be from a time when it was not.
    if !answer.is_replayed() && Rules::is_certainly_paused(before, after) {
        return Err(format!("a paused campaign redeemed: {redemption}, {before:?}"));
    }
    Ok(redemption)
}
