//! The steps of limits that span codes as JSON, for people who look into a journal.

use redeemd_domain::shard;
use serde_json::{Value, json};

use super::line::code;

/// A step of a limit that spans codes. Users are known by digests here, which are not shown.
pub(super) fn step(command: &shard::Command) -> (&'static str, Value) {
    use shard::Command as C;
    match command {
        C::ClaimUse(wish) => {
            ("claim_use", json!({ "campaign": wish.campaign.0, "code": code(&wish.code) }))
        }
        C::Settle(settle) => {
            ("settle", json!({ "settled": settle.settled, "returned": settle.returned }))
        }
        C::Forbid(forbid) => (
            "forbid",
            json!({ "shard": forbid.shard, "number": forbid.number, "code": code(&forbid.code) }),
        ),
        C::GiveBack(give_back) => (
            "give_back",
            json!({
                "shard": give_back.shard,
                "none_below": give_back.none_below,
                "numbers": give_back.uses.iter().map(|owed| owed.number).collect::<Vec<_>>(),
            }),
        ),
        C::Delivered { shard, numbers } => {
            ("delivered", json!({ "shard": shard, "numbers": numbers }))
        }
        C::TakeShare { campaign, since, granted } => {
            ("take_share", json!({ "campaign": campaign.0, "since": since.0, "granted": granted }))
        }
        C::ReturnShare { campaign, since, keep } => {
            ("return_share", json!({ "campaign": campaign.0, "since": since.0, "keep": keep }))
        }
        _ => ("unknown", json!({})),
    }
}
