//! A campaign's rules, made and changed.

use std::sync::Arc;

use super::Refusal;
use super::apply::Result;
use super::draft::RuleChanges;
use crate::campaign::{Campaign, Revision};
use crate::rules::{Per, Rules, TimeZone, TotalLimit};

/// The rules of a new campaign; none where the draft has none.
pub(super) fn of_draft(draft: Option<&Rules>) -> Result<Option<Arc<Rules>>> {
    let mut rules = draft.cloned().unwrap_or_default();
    if !rules.are_valid() {
        return Err(Refusal::InvalidRules);
    }
    if let Some(total) = &mut rules.total_uses {
        total.since = Revision(1);
    }
    tidy(&mut rules);
    Ok((rules != Rules::default()).then(|| Arc::new(rules)))
}

/// A campaign's rules with changes, as its next revision shall have them.
pub(super) fn changed(campaign: &Campaign, changes: RuleChanges) -> Result<Option<Arc<Rules>>> {
    let since = Revision(campaign.revision.0.saturating_add(1));
    let total = changes.total_uses.map(|limit| limit.map(|limit| TotalLimit { limit, since }));
    // What is new must hold by itself: its zones have places of their own.
    let new = Rules {
        zones: changes.zones,
        uses_per_user: changes.uses_per_user.flatten(),
        total_uses: total.flatten(),
        balance: None,
        windows: changes.windows.clone().unwrap_or_default(),
    };
    if !new.are_valid() {
        return Err(Refusal::InvalidRules);
    }
    let mut rules = campaign.rules.as_deref().cloned().unwrap_or_default();
    let new_zones = u16::try_from(rules.zones.len()).unwrap_or(u16::MAX);
    let moved = |zone: u16| zone.saturating_add(new_zones);
    rules.zones.extend(new.zones);
    if changes.uses_per_user.is_some() {
        rules.uses_per_user = new.uses_per_user.map(|mut limit| {
            limit.zone = moved(limit.zone);
            limit
        });
    }
    // The same limit again is no new one: shares of it stay good.
    if let Some(total) = total
        && total.map(|total| total.limit) != rules.total_uses.map(|total| total.limit)
    {
        rules.total_uses = total;
    }
    if changes.windows.is_some() {
        rules.windows = new.windows;
        rules.windows.iter_mut().for_each(|window| window.zone = moved(window.zone));
    }
    tidy(&mut rules);
    let nothing = campaign.rules.is_none() && rules == Rules::default();
    Ok((!nothing).then(|| Arc::new(rules)))
}

/// Drops zones that no rule names, and keeps one of each.
fn tidy(rules: &mut Rules) {
    let all = std::mem::take(&mut rules.zones);
    let mut kept: Vec<TimeZone> = Vec::new();
    let mut keep = |place: &mut u16| {
        let Some(zone) = all.get(usize::from(*place)) else { return };
        let at = kept.iter().position(|other| other == zone).unwrap_or_else(|| {
            kept.push(zone.clone());
            kept.len() - 1
        });
        *place = u16::try_from(at).unwrap_or(u16::MAX);
    };
    match &mut rules.uses_per_user {
        Some(limit) if limit.per == Per::Ever => limit.zone = 0,
        Some(limit) => keep(&mut limit.zone),
        None => {}
    }
    rules.windows.iter_mut().for_each(|window| keep(&mut window.zone));
    rules.zones = kept;
}
