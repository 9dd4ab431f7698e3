//! Outcomes that a salvage loses, as JSON: what it takes to make up for them, users included.

use redeemd_domain::campaign::Codes;
use redeemd_domain::timestamp::Timestamp;
use redeemd_domain::{control, shard};
use serde_json::{Value, json};

use super::line::{Line, code, imported, imported_with, name, object};
use crate::application::offline::{Lost, LostOutcome};
use crate::http::TimeText;

/// An outcome that is lost, with what it takes to make up for it.
pub(super) fn lost_outcome(outcome: &LostOutcome) -> Line {
    let LostOutcome { position, what } = outcome;
    let (at, command, details) = match what {
        Lost::Unreadable => (Timestamp(0), "unreadable", json!({})),
        Lost::Shard(record) => {
            let (name, details) = shard_event(record);
            (record.at, name, details)
        }
        Lost::Control(record) => {
            let (name, details) = control_event(&record.event);
            (record.at, name, details)
        }
    };
    Line::new(position.sequence, position.number, at, command, details)
}

fn shard_event(record: &shard::Record) -> (&'static str, Value) {
    use shard::Event as E;
    match &record.event {
        E::Redeemed(redemption) => (
            "redeemed",
            json!({
                "id": record.redemption().map(|(id, _)| id.to_string()),
                "code": code(&redemption.code),
                "campaign": redemption.campaign.0,
                "user": redemption.user,
                "metadata": object(redemption.metadata.as_deref()),
            }),
        ),
        E::Spent(spent) => (
            "spent",
            json!({
                "id": record.redemption().map(|(id, _)| id.to_string()),
                "code": code(&spent.redemption.code),
                "campaign": spent.redemption.campaign.0,
                "user": spent.redemption.user,
                "metadata": object(spent.redemption.metadata.as_deref()),
                "amount": spent.money.map(|money| money.amount),
                "balance_left": spent.money.map(|money| money.left),
            }),
        ),
        E::RolledBack(rolled_back) => (
            "rolled_back",
            json!({
                "redemption": rolled_back.redemption.to_string(),
                "code": code(&rolled_back.code),
                "campaign": rolled_back.campaign.0,
                "user": rolled_back.user,
                "amount": rolled_back.money.map(|money| money.amount),
                "balance_left": rolled_back.money.map(|money| money.left),
                "reason": rolled_back.reason,
            }),
        ),
        E::HoldPlaced(placed) => (
            "hold_placed",
            json!({
                "hold": placed.hold.id.to_string(),
                "code": code(&placed.hold.code),
                "campaign": placed.hold.campaign.0,
                "user": placed.hold.user,
                "expires_at": TimeText(placed.hold.expires_at).to_string(),
            }),
        ),
        E::HoldReleased(ended) => ("hold_released", ended_hold(ended)),
        E::HoldsExpired(ended) => {
            ("holds_expired", json!({ "holds": ended.iter().map(ended_hold).collect::<Vec<_>>() }))
        }
        E::ToppedUp(topped_up) => (
            "topped_up",
            json!({
                "code": code(&topped_up.code),
                "campaign": topped_up.campaign.0,
                "amount": topped_up.money.amount,
                "balance_left": topped_up.money.left,
                "reason": topped_up.reason,
            }),
        ),
        E::Revoked(changed) => {
            ("revoked", json!({ "code": code(&changed.code), "reason": changed.reason }))
        }
        E::Restored(changed) => {
            ("restored", json!({ "code": code(&changed.code), "reason": changed.reason }))
        }
        E::Listed { campaign, digests, .. } => {
            ("listed", json!({ "campaign": campaign.0, "codes": digests.len() }))
        }
    }
}

fn ended_hold(ended: &shard::EndedHold) -> Value {
    json!({
        "hold": ended.id.to_string(),
        "code": code(&ended.code),
        "campaign": ended.campaign.0,
        "user": ended.user,
    })
}

fn control_event(event: &control::Event) -> (&'static str, Value) {
    use control::Event as E;
    let campaign = |campaign: &redeemd_domain::campaign::Campaign| {
        json!({
            "id": campaign.id.to_string(),
            "campaign": campaign.id.number.0,
            "name": campaign.name,
            "codes": match campaign.codes {
                Codes::Sealed { .. } => "sealed",
                Codes::Imported => "imported",
                Codes::Pattern { .. } => "pattern",
            },
        })
    };
    match event {
        E::SecretAdded(secret) => {
            ("secret_added", json!({ "purpose": name(secret.purpose), "secret": secret.number }))
        }
        E::ApiKeyAdded { id, role, name: called } => {
            ("api_key_added", json!({ "id": id.to_string(), "role": role.name(), "name": called }))
        }
        E::ApiKeyRevoked(id) => ("api_key_revoked", json!({ "id": id.to_string() })),
        E::CampaignMade(made) => ("campaign_made", campaign(made)),
        E::CampaignChanged(changed) => ("campaign_changed", campaign(changed)),
        E::Issued { campaign: of, first, count } => {
            let mut details = campaign(of);
            details["first"] = json!(first);
            details["count"] = json!(count);
            ("issued", details)
        }
        E::PatternIssued { campaign: of, first, span } => {
            let mut details = campaign(of);
            details["first"] = json!(first);
            details["span"] = json!(span);
            ("pattern_issued", details)
        }
        E::ImportKept { campaign, import, remarks } => {
            ("import_kept", imported_with(*campaign, import, remarks))
        }
        E::Imported { campaign, import } => ("imported", imported(*campaign, import)),
    }
}
