//! Commands of a shard.

use redeemd_domain::campaign::CampaignView;
use redeemd_domain::shard::{Change, Command, Redeem, Spend};
use serde_json::{Value, json};

use super::{Detail, api_key, asked, window};
use crate::cli::journal::line::{code, name, object};
use crate::cli::journal::rules_text;
use crate::cli::journal::step_json::step;

/// A command of a shard: its name and what it says.
pub(in crate::cli::journal) fn shard_command(
    command: &Command,
    detail: Detail,
) -> (&'static str, Value) {
    use Command as C;
    match command {
        C::Advance => ("advance", json!({})),
        C::PutCampaign(view) => ("put_campaign", campaign(view)),
        C::Redeem(redeem) => {
            ("redeem", asked(wish(redeem, detail), redeem.api_key, &redeem.request))
        }
        C::PutRules { view, rules } => {
            let mut details = campaign(view);
            details["rules"] = json!(rules_text::rules(rules));
            ("put_rules", details)
        }
        C::Spend(spend) => {
            let Spend { redeem, claim, amount } = &**spend;
            let mut details = wish(redeem, detail);
            details["claim"] =
                json!(claim.map(|claim| json!({ "shard": claim.shard, "number": claim.number })));
            details["amount"] = json!(amount);
            ("spend", asked(details, redeem.api_key, &redeem.request))
        }
        C::RollBack(roll_back) => (
            "roll_back",
            asked(
                json!({
                    "redemption": roll_back.redemption.to_string(),
                    "code": code(&roll_back.code),
                    "user": detail.personal(&roll_back.user),
                    "amount": roll_back.amount,
                    "reason": detail.personal(&roll_back.reason),
                }),
                roll_back.api_key,
                &roll_back.request,
            ),
        ),
        C::PlaceHold(place) => (
            "place_hold",
            asked(
                json!({
                    "code": code(&place.code),
                    "user": detail.personal(&place.user),
                    "ttl_ms": place.ttl_ms,
                }),
                place.api_key,
                &place.request,
            ),
        ),
        C::Confirm(confirm) => (
            "confirm",
            asked(
                json!({
                    "hold": confirm.hold.to_string(),
                    "code": code(&confirm.spend.redeem.code),
                    "user": detail.personal(&confirm.spend.redeem.user),
                    "amount": confirm.spend.amount,
                    "otherwise": name(confirm.otherwise),
                }),
                confirm.spend.redeem.api_key,
                &confirm.spend.redeem.request,
            ),
        ),
        C::Release(release) => (
            "release",
            json!({
                "hold": release.hold.to_string(),
                "code": code(&release.code),
                "api_key": api_key(release.api_key),
            }),
        ),
        C::Expire { at_most } => ("expire", json!({ "at_most": at_most })),
        C::TopUp(top_up) => (
            "top_up",
            asked(
                json!({
                    "code": code(&top_up.code),
                    "amount": top_up.amount,
                    "reason": detail.personal(&top_up.reason),
                }),
                top_up.api_key,
                &top_up.request,
            ),
        ),
        C::ClaimUse(_)
        | C::Settle(_)
        | C::Forbid(_)
        | C::GiveBack(_)
        | C::Delivered { .. }
        | C::TakeShare { .. }
        | C::ReturnShare { .. } => step(command),
        C::Revoke(change) => ("revoke", changed(change, detail)),
        C::Restore(change) => ("restore", changed(change, detail)),
        C::List(list) => (
            "list",
            json!({
                "campaign": list.campaign.0,
                "codes": list.digests.len(),
                "api_key": api_key(list.api_key),
            }),
        ),
    }
}

fn campaign(view: &CampaignView) -> Value {
    json!({
        "campaign": view.number.0,
        "revision": view.revision.0,
        "status": name(view.status),
        "window": window(view.window),
        "uses_per_code": view.uses_per_code,
        "issued": view.issued,
    })
}

fn wish(redeem: &Redeem, detail: Detail) -> Value {
    json!({
        "code": code(&redeem.code),
        "user": detail.personal(&redeem.user),
        "metadata": detail.personal(object(redeem.metadata.as_deref())),
    })
}

fn changed(change: &Change, detail: Detail) -> Value {
    let details = json!({
        "code": code(&change.code),
        "reason": detail.personal(&change.reason),
    });
    asked(details, change.api_key, &change.request)
}
