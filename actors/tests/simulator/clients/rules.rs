//! The rules that campaigns get: small limits and balances, and hours of the week that begin and
//! end about now.

use std::borrow::Cow;
use std::sync::Arc;

use redeemd_domain::campaign::{Campaign, Revision};
use redeemd_domain::control::RuleChanges;
use redeemd_domain::rules::{
    Balance, Currency, MINUTES_A_DAY, Per, Rules, TimeZone, TotalLimit, UserLimit, Weekday,
    Weekdays, WeeklyWindow,
};
use redeemd_domain::timestamp::Timestamp;

use super::Clients;
use crate::dice::Dice as _;

impl Clients {
    /// The rules of a new campaign, if it is to have any.
    pub(super) fn draft_rules(&mut self, now: Timestamp) -> Option<Arc<Rules>> {
        if !self.has_rules || self.random.percent(30) {
            return None;
        }
        let balance = self.random.percent(45).then(|| {
            let currency = Currency::parse("EUR").expect("a currency");
            Balance { currency, minor_units: self.random.between(1, 100) }
        });
        let windows = if self.random.percent(15) { self.windows(now) } else { Vec::new() };
        let uses_per_user = self.random.percent(45).then(|| self.user_limit());
        let limit = self.random.between(1, 30);
        let since = Revision::default();
        let total_uses = self.random.percent(45).then_some(TotalLimit { limit, since });
        let zones = zones(now);
        Some(Arc::new(Rules { zones, uses_per_user, total_uses, balance, windows }))
    }

    /// A change of a campaign's rules. The kind of period in which a user's uses are counted stays,
    /// so that their counts can be compared at the end.
    pub(super) fn rule_changes(&mut self, chosen: &Campaign, now: Timestamp) -> RuleChanges {
        let mut changes = RuleChanges { zones: zones(now), ..RuleChanges::default() };
        match self.random.below(3) {
            0 => {
                let windows = if self.random.percent(40) { self.windows(now) } else { Vec::new() };
                changes.windows = Some(windows);
            }
            1 => {
                let former = chosen.rules.as_ref().and_then(|rules| rules.uses_per_user);
                let per = former.map_or(Per::Ever, |former| former.per);
                let limit = UserLimit { per, ..self.user_limit() };
                let is_ended = per == Per::Ever && self.random.percent(20);
                changes.uses_per_user = Some((!is_ended).then_some(limit));
            }
            _ => {
                let limit = self.random.between(1, 30);
                changes.total_uses = Some(self.random.percent(80).then_some(limit));
            }
        }
        changes
    }

    fn user_limit(&mut self) -> UserLimit {
        let per = *self.random.pick(&[Per::Ever, Per::Ever, Per::Day, Per::Month]);
        UserLimit { limit: self.random.between(1, 3) as u32, per, zone: 0 }
    }

    fn windows(&mut self, now: Timestamp) -> Vec<WeeklyWindow> {
        let count = self.random.between(1, 2);
        (0..count).map(|_| self.window_about(now)).collect()
    }

    /// Mostly open now, and for some minutes more or less.
    fn window_about(&mut self, now: Timestamp) -> WeeklyWindow {
        let zone = self.random.below(2) as u16;
        let local = zones(now)[usize::from(zone)].local(now);
        let minutes = i64::from(MINUTES_A_DAY);
        let minute = local.div_euclid(60_000).rem_euclid(minutes);
        let from = (minute - self.random.below(3) as i64).rem_euclid(minutes) as u16;
        let to = (minute + 1 + self.random.below(3) as i64).rem_euclid(minutes) as u16;
        let (from, to) =
            if self.random.percent(60) { (0, MINUTES_A_DAY) } else { (from, to.max(1)) };
        let weekdays = Weekday::ALL.into_iter().filter(|_| self.random.percent(90));
        let weekdays: Vec<_> = weekdays.chain([Weekday::Monday]).collect();
        WeeklyWindow { weekdays: Weekdays::of(weekdays), from, to, zone }
    }
}

/// Universal time, and a zone whose clock changes in a day.
fn zones(now: Timestamp) -> Vec<TimeZone> {
    let day = 86_400_000;
    let change = Timestamp((now.0 / day + 1) * day);
    let name = Cow::Borrowed("Europe/Somewhere");
    let changes = vec![(change, 3_600)];
    vec![TimeZone::UTC, TimeZone { name, first_offset: 7_200, changes }]
}
