//! A campaign with changes, as a child would make them.

use redeemd_domain::campaign::{Campaign, Revision, Window};
use redeemd_domain::control::{Changes, Event, Refusal};

pub(super) fn check(window: &Window) -> Result<(), Refusal> {
    match (window.starts_at, window.expires_at) {
        (Some(start), Some(end)) if start >= end => Err(Refusal::EmptyWindow),
        _ => Ok(()),
    }
}

pub(super) fn changed(before: &Campaign, changes: &Changes) -> Campaign {
    let mut after = before.clone();
    let Changes { name, starts_at, expires_at, uses_per_code, reward, metadata } = changes;
    after.name = name.clone().unwrap_or(after.name);
    after.window.starts_at = starts_at.unwrap_or(after.window.starts_at);
    after.window.expires_at = expires_at.unwrap_or(after.window.expires_at);
    after.uses_per_code = uses_per_code.unwrap_or(after.uses_per_code);
    after.metadata = metadata.clone().unwrap_or(after.metadata);
    if let Some(reward) = reward
        && before.rewards.values().next_back() != Some(reward)
    {
        after.rewards.insert(Revision(before.revision.0 + 1), reward.clone());
    }
    after
}

pub(super) fn changed_event(before: &Campaign, mut after: Campaign) -> Option<Event> {
    if *before == after {
        return None;
    }
    after.revision = Revision(before.revision.0 + 1);
    after.edition = after.revision;
    Some(Event::CampaignChanged(Box::new(after)))
}
