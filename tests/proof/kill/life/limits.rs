//! Whether the uses that the events tell of are within the limits that span codes.

use std::collections::HashMap;

use super::super::Fault;
use super::book::Book;
use super::model::{Model, uses_of};

/// Insists that no user and no campaign has more uses than are allowed, while nobody takes any.
pub(super) fn check(model: &Model, book: &Book) -> Result<(), Fault> {
    let uses = uses_of_users(model);
    for campaign in book.campaigns() {
        let id = campaign.id.as_str();
        for ((_, user), uses) in uses.iter().filter(|((campaign, _), _)| *campaign == id) {
            let limit = campaign.terms.uses_per_user;
            if limit.is_some_and(|limit| *uses > limit) {
                return Err(format!("OVERRUN: {user} has {uses} uses of {limit:?} in {id}"));
            }
        }
        let taken = taken(model, id);
        let total = campaign.total.lock().unwrap();
        if campaign.terms.total_uses.is_some() && taken > total.highest {
            return Err(format!("OVERRUN: {taken} uses of {id} are taken, and {total:?} allowed"));
        }
    }
    Ok(())
}

/// How many uses of a campaign are taken, holds included.
pub(super) fn taken(model: &Model, campaign: &str) -> u64 {
    let counts = model.counts.of(campaign);
    u64::try_from(counts.redeemed + counts.held).unwrap_or_default()
}

/// How many uses of each campaign each user has.
pub(super) fn uses_of_users(model: &Model) -> HashMap<(&str, &str), u64> {
    let mut uses = HashMap::new();
    for life in model.lives() {
        for user in uses_of(life) {
            *uses.entry((life.code.campaign.id.as_str(), user)).or_default() += 1;
        }
    }
    uses
}
