//! For each record the command that must have led to it.

use super::Mismatch;
use crate::campaign::Revision;
use crate::codes::CampaignNumber;
use crate::request::Request;
use crate::shard::{
    Change, Changed, Command, EndedHold, Event, Extent, HoldPlaced, List, Money, PlaceHold,
    Placing, Record, Redeem, Redemption, Release, RollBack, RolledBack, Spend, Spent, TopUp,
    ToppedUp,
};

/// The command, and the campaign that it is about.
pub(super) fn command(
    record: &Record,
    former: impl FnOnce(u64) -> Option<Record>,
) -> Result<(Command, CampaignNumber), Mismatch> {
    Ok(match &record.event {
        Event::Redeemed(redemption) => {
            (Command::Redeem(redeem(record, redemption)), redemption.campaign)
        }
        Event::Spent(spent) => {
            (Command::Spend(Box::new(spend(record, spent))), spent.redemption.campaign)
        }
        Event::Revoked(changed) => (Command::Revoke(change(record, changed)), changed.campaign),
        Event::Restored(changed) => (Command::Restore(change(record, changed)), changed.campaign),
        Event::Listed { campaign, digests, duplicates: _ } => {
            let (campaign, digests, api_key) = (*campaign, digests.clone(), record.api_key);
            (Command::List(List { campaign, digests, api_key }), campaign)
        }
        Event::RolledBack(rolled_back) => {
            let of = former(rolled_back.redemption.number).ok_or(Mismatch::UnknownRedemption)?;
            (roll_back(record, rolled_back, &of)?, rolled_back.campaign)
        }
        Event::HoldPlaced(placed) => (place_hold(record, placed), placed.hold.campaign),
        Event::HoldReleased(ended) => {
            let EndedHold { id, code, campaign, user: _ } = **ended;
            (Command::Release(Release { hold: id, code, api_key: record.api_key }), campaign)
        }
        Event::HoldsExpired(ended) => {
            let campaign = ended.first().ok_or(Mismatch::NotRepeated)?.campaign;
            let at_most = u16::try_from(ended.len()).map_err(|_| Mismatch::NotRepeated)?;
            (Command::Expire { at_most }, campaign)
        }
        Event::ToppedUp(topped_up) => (top_up(record, topped_up), topped_up.campaign),
    })
}

/// The campaign's revision under which a record was made, where it says so.
pub(super) fn revision(record: &Record) -> Option<Revision> {
    record.redemption().map(|(_, redemption)| redemption.revision)
}

/// The request, which had been looked for everywhere.
fn request(record: &Record) -> Option<Request> {
    let (digest, fingerprint) = record.request?;
    Some(Request { digest, fingerprint, searched: u64::MAX })
}

fn redeem(record: &Record, redemption: &Redemption) -> Redeem {
    Redeem {
        code: redemption.code,
        user: redemption.user.clone(),
        metadata: redemption.metadata.clone(),
        api_key: record.api_key,
        request: request(record),
    }
}

/// A hold that was confirmed is the user's own, which never stands in the user's way and brings its
/// claim along; so a plain redemption does the same.
fn spend(record: &Record, spent: &Spent) -> Spend {
    Spend {
        redeem: redeem(record, &spent.redemption),
        claim: spent.claim.filter(|_| spent.hold.is_none()),
        amount: spent.money.map(|money| money.amount),
    }
}

fn change(record: &Record, changed: &Changed) -> Change {
    Change {
        code: changed.code,
        reason: changed.reason.clone(),
        api_key: record.api_key,
        request: request(record),
    }
}

fn roll_back(record: &Record, rolled_back: &RolledBack, of: &Record) -> Result<Command, Mismatch> {
    let RolledBack { redemption: id, code, user, extent, money, reason, .. } = rolled_back;
    let (found, redemption) = of.redemption().ok_or(Mismatch::UnknownRedemption)?;
    if (found, redemption.code, &redemption.user) != (*id, *code, user) {
        return Err(Mismatch::UnknownRedemption);
    }
    let spent = match &of.event {
        Event::Spent(spent) => spent.money.map(|money| money.amount),
        _ => None,
    };
    let is_part = matches!(extent, Extent::Part { .. });
    Ok(Command::RollBack(Box::new(RollBack {
        redemption: *id,
        code: *code,
        user: user.clone(),
        generation: redemption.generation,
        claim: of.claim(),
        spent,
        amount: money.filter(|_| is_part).map(|Money { amount, .. }| amount),
        max_age_ms: u64::MAX,
        reason: reason.clone(),
        api_key: record.api_key,
        request: request(record),
    })))
}

/// For a hold that was prolonged any time up to its end does, since it never moves forward.
fn place_hold(record: &Record, placed: &HoldPlaced) -> Command {
    let HoldPlaced { hold, placing } = placed;
    Command::PlaceHold(Box::new(PlaceHold {
        code: hold.code,
        user: hold.user.clone(),
        ttl_ms: hold.expires_at.0.saturating_sub(record.at.0),
        claim: hold.claim.filter(|_| *placing == Placing::New),
        api_key: record.api_key,
        request: request(record),
    }))
}

fn top_up(record: &Record, topped_up: &ToppedUp) -> Command {
    Command::TopUp(TopUp {
        code: topped_up.code,
        amount: topped_up.money.amount,
        reason: topped_up.reason.clone(),
        api_key: record.api_key,
        request: request(record),
    })
}
