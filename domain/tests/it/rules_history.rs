//! Random rules of campaigns, and rules as a naive model keeps them: each with its zone, not with
//! the place of one.

use proptest::collection::vec;
use proptest::prelude::*;
use redeemd_domain::control::RuleChanges;
use redeemd_domain::rules::{
    Balance, Currency, Per, Rules, TimeZone, UserLimit, Weekday, WeeklyWindow,
};

use crate::rules_validity::{total, window, zone};

fn zones() -> impl Strategy<Value = Vec<TimeZone>> {
    let zone = prop::sample::select(&["A", "B"][..]).prop_map(|name| zone(name, 1));
    vec(zone, 0..4)
}

/// A limit, now and then none that there can be, or in a zone that is not there.
fn user_limit() -> impl Strategy<Value = UserLimit> {
    let per = prop::sample::select(&[Per::Ever, Per::Day, Per::Month][..]);
    let limit = prop_oneof![9 => 1..3u32, 1 => Just(0)];
    (limit, per, 0..3u16).prop_map(|(limit, per, zone)| UserLimit { limit, per, zone })
}

fn windows() -> impl Strategy<Value = Vec<WeeklyWindow>> {
    vec((0..3u16, 0..3u16).prop_map(|(from, zone)| window(&[Weekday::Monday], from, 9, zone)), 0..3)
}

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let euro = Currency::parse("EUR").unwrap();
    let balance = (0..9u64).prop_map(move |minor_units| Balance { currency: euro, minor_units });
    let limits = (prop::option::of(user_limit()), prop::option::of(0..4u64));
    (zones(), limits, prop::option::weighted(0.3, balance), windows()).prop_map(
        |(zones, (uses_per_user, limit), balance, windows)| {
            let total_uses = limit.and_then(|limit| total(limit, 9));
            Rules { zones, uses_per_user, total_uses, balance, windows }
        },
    )
}

pub(crate) fn rule_changes() -> impl Strategy<Value = RuleChanges> {
    let user_limit = prop::option::of(prop::option::of(user_limit()));
    let total = prop::option::of(prop::option::of(0..4u64));
    (zones(), user_limit, total, prop::option::of(windows())).prop_map(
        |(zones, uses_per_user, total_uses, windows)| RuleChanges {
            zones,
            uses_per_user,
            total_uses,
            windows,
        },
    )
}

/// Rules with zones in the place of places. A total has the revision that set it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PlainRules {
    user_limit: Option<(u32, Per, Option<TimeZone>)>,
    total: Option<(u64, u32)>,
    balance: Option<Balance>,
    windows: Vec<(WeeklyWindow, TimeZone)>,
}

impl PlainRules {
    /// Rules as the state has them.
    pub(crate) fn of(rules: &Rules) -> Self {
        let user_limit = rules.uses_per_user.map(|limit| plain_limit(&rules.zones, limit));
        let windows = rules.windows.iter().map(|&window| plain_window(&rules.zones, window));
        Self {
            user_limit: user_limit.flatten(),
            total: rules.total_uses.map(|total| (total.limit, total.since.0)),
            balance: rules.balance,
            windows: windows.map(Option::unwrap).collect(),
        }
    }

    /// The rules of a new campaign; `None` where they cannot be.
    pub(crate) fn made(draft: &Rules) -> Option<Self> {
        let balance = draft.balance;
        let changes = RuleChanges {
            zones: draft.zones.clone(),
            uses_per_user: Some(draft.uses_per_user),
            total_uses: Some(draft.total_uses.map(|total| total.limit)),
            windows: Some(draft.windows.clone()),
        };
        let made = Self::default().changed(&changes, 1)?;
        balance.is_none_or(|balance| balance.minor_units > 0).then_some(Self { balance, ..made })
    }

    /// These rules with changes that make a revision; `None` where they cannot be.
    pub(crate) fn changed(&self, changes: &RuleChanges, revision: u32) -> Option<Self> {
        let mut rules = self.clone();
        match changes.uses_per_user {
            None => {}
            Some(None) => rules.user_limit = None,
            Some(Some(limit)) if limit.limit == 0 => return None,
            Some(Some(limit)) => rules.user_limit = Some(plain_limit(&changes.zones, limit)?),
        }
        match changes.total_uses {
            Some(None) => rules.total = None,
            Some(Some(0)) => return None,
            Some(Some(limit)) if rules.total.is_none_or(|(former, _)| former != limit) => {
                rules.total = Some((limit, revision));
            }
            _ => {}
        }
        if let Some(windows) = &changes.windows {
            let plain = windows.iter().map(|&window| plain_window(&changes.zones, window));
            rules.windows = plain.collect::<Option<_>>()?;
        }
        Some(rules)
    }
}

fn plain_limit(zones: &[TimeZone], limit: UserLimit) -> Option<(u32, Per, Option<TimeZone>)> {
    let zone = match limit.per {
        Per::Ever => None,
        _ => Some(zones.get(usize::from(limit.zone))?.clone()),
    };
    Some((limit.limit, limit.per, zone))
}

fn plain_window(zones: &[TimeZone], window: WeeklyWindow) -> Option<(WeeklyWindow, TimeZone)> {
    let zone = zones.get(usize::from(window.zone))?.clone();
    Some((WeeklyWindow { zone: 0, ..window }, zone))
}
