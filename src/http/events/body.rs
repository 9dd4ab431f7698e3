//! Events as clients read them: what all have in common, and a function for what each kind says
//! besides. No code stands in an event, only its hint, and no key or secret.

use std::fmt::Display;
use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::control::{self, Import, Purpose, Role, SecretName};
use redeemd_domain::identifier::ApiKeyId;
use redeemd_domain::shard::{self, Changed, EndedHold, Hold, Money, RolledBack, ToppedUp};

use super::super::amount;
use super::super::campaign_body;
use super::super::json::Object;
use super::super::redemptions;
use super::super::time_text::TimeText;
use crate::service::{Event, EventRecord, Redeemed, Register};

/// Writes the fields of an event.
pub(super) fn write(event: &Event, register: &Register, object: &mut Object<'_>) {
    object.display("id", &event.id);
    object.text("type", event.kind.name());
    object.display("created_at", &TimeText(event.id.at));
    let campaign = match *event.campaigns {
        [number] => register.campaign(number).map(|campaign| campaign.id),
        _ => None,
    };
    object.display_or_null("campaign_id", campaign.as_ref().map(|id| id as &dyn Display));
    let api_key = register.api_key(event.api_key).map(|key| key.id);
    object.display_or_null("api_key_id", api_key.as_ref().map(|id| id as &dyn Display));
    match &event.record {
        EventRecord::Shard(record) => write_shard(record, register, object),
        EventRecord::Control(record) => write_control(record, register, object),
    }
}

fn write_shard(record: &Arc<shard::Record>, register: &Register, object: &mut Object<'_>) {
    match &record.event {
        shard::Event::Redeemed(_) | shard::Event::Spent(_) => redemption(record, register, object),
        shard::Event::Revoked(changed) | shard::Event::Restored(changed) => {
            code(changed, register, object);
        }
        shard::Event::Listed { digests, .. } => listed(digests.len(), object),
        shard::Event::RolledBack(it) => rolled_back(it, register, object),
        shard::Event::HoldPlaced(placed) => hold_placed(&placed.hold, register, object),
        shard::Event::HoldReleased(ended) => hold_released(ended, register, object),
        shard::Event::HoldsExpired(ended) => holds_expired(ended, register, object),
        shard::Event::ToppedUp(it) => topped_up(it, register, object),
    }
}

fn write_control(record: &control::Record, register: &Register, object: &mut Object<'_>) {
    match &record.event {
        control::Event::CampaignMade(campaign) | control::Event::CampaignChanged(campaign) => {
            object.object("campaign", |object| campaign_body::write(campaign, None, object));
        }
        control::Event::Issued { first, count, .. } => issued(*first, *count, object),
        control::Event::PatternIssued { campaign, first, .. } => {
            pattern_issued(campaign, *first, object);
        }
        control::Event::Imported { import, .. } | control::Event::ImportKept { import, .. } => {
            imported(import, object);
        }
        control::Event::ApiKeyAdded { id, role, name } => api_key(*id, *role, name, object),
        control::Event::ApiKeyRevoked(id) => api_key_revoked(*id, register, object),
        control::Event::SecretAdded(name) => secret(*name, object),
    }
}

/// A redemption, as it was answered, and whether it ended a hold of its user.
fn redemption(record: &Arc<shard::Record>, register: &Register, object: &mut Object<'_>) {
    if let Some(redeemed) = Redeemed::of_event(record, register) {
        object.object("redemption", |object| redemptions::write_fields(&redeemed, object));
    }
    let ends_hold = matches!(&record.event, shard::Event::Spent(spent) if spent.hold.is_some());
    object.flag("ends_hold", ends_hold);
}

/// A redemption that was rolled back, or some of its money.
fn rolled_back(rolled_back: &RolledBack, register: &Register, object: &mut Object<'_>) {
    object.object("rollback", |object| {
        object.display("redemption_id", &rolled_back.redemption);
        object.text("user_id", &rolled_back.user);
        object.display("code_hint", &register.hint(&rolled_back.code));
        object.text("reason", &rolled_back.reason);
        money(rolled_back.money, object);
    });
}

/// What a code was made worth more by, and what it was worth then.
fn topped_up(topped_up: &ToppedUp, register: &Register, object: &mut Object<'_>) {
    object.object("top_up", |object| {
        object.display("code_hint", &register.hint(&topped_up.code));
        object.text("reason", &topped_up.reason);
        money(Some(topped_up.money), object);
    });
}

fn money(money: Option<Money>, object: &mut Object<'_>) {
    if let Some(Money { amount, left }) = money {
        amount::write("amount", amount, object);
        object.number("balance_left", left);
    }
}

/// A hold that was placed or prolonged.
fn hold_placed(hold: &Hold, register: &Register, object: &mut Object<'_>) {
    object.object("hold", |object| {
        object.display("id", &hold.id);
        object.text("user_id", &hold.user);
        object.display("code_hint", &register.hint(&hold.code));
        object.display("expires_at", &TimeText(hold.expires_at));
    });
}

/// A hold that was given up.
fn hold_released(hold: &EndedHold, register: &Register, object: &mut Object<'_>) {
    object.object("hold", |object| {
        object.display("id", &hold.id);
        object.text("user_id", &hold.user);
        object.display("code_hint", &register.hint(&hold.code));
    });
}

/// Holds that expired together; they may be of several campaigns.
fn holds_expired(holds: &[EndedHold], register: &Register, object: &mut Object<'_>) {
    object.objects("holds", holds, |hold, object| {
        object.display("id", &hold.id);
        let campaign = register.campaign(hold.campaign).map(|campaign| campaign.id);
        object.display_or_null("campaign_id", campaign.as_ref().map(|id| id as &dyn Display));
        object.text("user_id", &hold.user);
        object.display("code_hint", &register.hint(&hold.code));
    });
}

/// A code that was revoked or restored.
fn code(changed: &Changed, register: &Register, object: &mut Object<'_>) {
    object.object("code", |object| {
        object.display("code_hint", &register.hint(&changed.code));
        object.text("reason", &changed.reason);
    });
}

/// Codes that became known to a shard.
fn listed(count: usize, object: &mut Object<'_>) {
    object.object("codes", |object| object.number("count", count as u64));
}

/// Sealed codes that were issued.
fn issued(first: u64, count: u64, object: &mut Object<'_>) {
    object.object("codes", |object| {
        object.number("count", count);
        object.number("first_index", first);
    });
}

/// Codes of a pattern that were issued. Indices that were skipped are no codes.
fn pattern_issued(campaign: &Campaign, first: u64, object: &mut Object<'_>) {
    issued(first, campaign.issued_from(first), object);
}

/// What came of an import.
fn imported(import: &Import, object: &mut Object<'_>) {
    object.object("import", |object| {
        object.number("imported", import.imported);
        object.number("duplicates", import.duplicates);
        object.number("rejected", import.rejected_count);
    });
}

fn api_key(id: ApiKeyId, role: Role, name: &str, object: &mut Object<'_>) {
    object.object("api_key", |object| {
        object.display("id", &id);
        object.text("name", name);
        object.text("role", role.name());
    });
}

/// The record of a key that was shut out has no more than its number.
fn api_key_revoked(id: ApiKeyId, register: &Register, object: &mut Object<'_>) {
    if let Some(known) = register.api_key(id.number) {
        api_key(id, known.role, &known.name, object);
    }
}

/// A secret that was made: what it is for, and which of those.
fn secret(name: SecretName, object: &mut Object<'_>) {
    object.object("secret", |object| {
        let purpose = match name.purpose {
            Purpose::SealingKey => "sealing_key",
            Purpose::Pepper => "pepper",
            Purpose::HintKey => "hint_key",
            Purpose::PatternKey => "pattern_key",
        };
        object.text("purpose", purpose);
        object.number("number", name.number.into());
    });
}
