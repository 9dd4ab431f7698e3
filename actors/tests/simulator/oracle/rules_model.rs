//! A campaign's rules as a child would put them together: every rule carries its own zone, and the
//! list of zones is written anew whenever anything changes.

use std::sync::Arc;

use redeemd_domain::campaign::Revision;
use redeemd_domain::control::RuleChanges;
use redeemd_domain::rules::{Balance, Per, Rules, TimeZone, TotalLimit, UserLimit, WeeklyWindow};

/// Rules that know their zones.
#[derive(Clone, Default)]
struct Unfolded {
    user: Option<(UserLimit, TimeZone)>,
    total: Option<TotalLimit>,
    balance: Option<Balance>,
    windows: Vec<(WeeklyWindow, TimeZone)>,
}

/// The rules of a new campaign.
pub(super) fn of_draft(draft: Option<&Rules>) -> Option<Arc<Rules>> {
    let mut unfolded = Unfolded::of(draft?);
    if let Some(total) = &mut unfolded.total {
        total.since = Revision(1);
    }
    let rules = unfolded.fold();
    (rules != Rules::default()).then(|| Arc::new(rules))
}

/// The rules of a campaign with changes, as its next revision has them.
pub(super) fn changed(
    before: Option<&Rules>,
    revision: Revision,
    changes: &RuleChanges,
) -> Option<Arc<Rules>> {
    let mut unfolded = before.map(Unfolded::of).unwrap_or_default();
    let zone = |place: u16| changes.zones.get(usize::from(place)).cloned();
    if let Some(limit) = changes.uses_per_user {
        unfolded.user = limit.map(|limit| (limit, zone(limit.zone).unwrap_or(TimeZone::UTC)));
    }
    if let Some(limit) = changes.total_uses
        && limit != unfolded.total.map(|total| total.limit)
    {
        let since = Revision(revision.0 + 1);
        unfolded.total = limit.map(|limit| TotalLimit { limit, since });
    }
    if let Some(windows) = &changes.windows {
        let named = |window: &WeeklyWindow| (*window, zone(window.zone).expect("it is named"));
        unfolded.windows = windows.iter().map(named).collect();
    }
    let rules = unfolded.fold();
    // Once there were rules, there are some for ever, if only empty ones.
    (before.is_some() || rules != Rules::default()).then(|| Arc::new(rules))
}

impl Unfolded {
    fn of(rules: &Rules) -> Self {
        let zone = |place: u16| rules.zone(place).clone();
        Self {
            user: rules.uses_per_user.map(|limit| (limit, zone(limit.zone))),
            total: rules.total_uses,
            balance: rules.balance,
            windows: rules.windows.iter().map(|window| (*window, zone(window.zone))).collect(),
        }
    }

    fn fold(self) -> Rules {
        let mut zones: Vec<TimeZone> = Vec::new();
        let mut place = |zone: TimeZone| {
            let known = zones.iter().position(|other| *other == zone);
            known.unwrap_or_else(|| {
                zones.push(zone);
                zones.len() - 1
            }) as u16
        };
        let uses_per_user = self.user.map(|(limit, zone)| {
            // All time begins and ends nowhere.
            let zone = if limit.per == Per::Ever { 0 } else { place(zone) };
            UserLimit { zone, ..limit }
        });
        let mut windows = Vec::new();
        for (window, zone) in self.windows {
            windows.push(WeeklyWindow { zone: place(zone), ..window });
        }
        let (total_uses, balance) = (self.total, self.balance);
        Rules { zones, uses_per_user, total_uses, balance, windows }
    }
}
