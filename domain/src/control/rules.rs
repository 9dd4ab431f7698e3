//! A campaign's rules, made and changed.

use std::sync::Arc;

use super::draft::RuleChanges;
use crate::campaign::{Campaign, Revision};
use crate::rules::{Rules, TimeZone, TotalLimit};

/// The rules of a new campaign.
pub(super) fn of_draft(draft: &Rules) -> Rules {
    let total_uses = draft.total_uses.map(|total| TotalLimit { since: Revision(1), ..total });
    Rules { total_uses, ..draft.clone() }
}

/// A campaign's rules with changes, as its next revision shall have them.
pub(super) fn changed(campaign: &Campaign, changes: RuleChanges) -> Option<Arc<Rules>> {
    let former = campaign.rules.as_deref().cloned().unwrap_or_default();
    let mut rules = former.clone();
    let mut zones = changes.zones;
    let new_zones = rules.zones.len();
    rules.zones.append(&mut zones);
    let moved = |zone: u16| zone.saturating_add(u16::try_from(new_zones).unwrap_or(u16::MAX));
    if let Some(limit) = changes.uses_per_user {
        rules.uses_per_user = limit.map(|mut limit| {
            limit.zone = moved(limit.zone);
            limit
        });
    }
    if let Some(limit) = changes.total_uses
        && limit != former.total_uses.map(|total| total.limit)
    {
        let since = Revision(campaign.revision.0.saturating_add(1));
        rules.total_uses = limit.map(|limit| TotalLimit { limit, since });
    }
    if let Some(mut windows) = changes.windows {
        windows.iter_mut().for_each(|window| window.zone = moved(window.zone));
        rules.windows = windows;
    }
    tidy(&mut rules);
    let nothing = campaign.rules.is_none() && rules == Rules::default();
    (!nothing).then(|| Arc::new(rules))
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
    if let Some(limit) = &mut rules.uses_per_user {
        keep(&mut limit.zone);
    }
    rules.windows.iter_mut().for_each(|window| keep(&mut window.zone));
    rules.zones = kept;
}
