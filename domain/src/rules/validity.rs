//! Whether rules are such as a campaign may have. They come from a journal, where any bytes may
//! stand, so every bound is looked at again that whoever wrote them should have kept.

use super::{
    MAX_BALANCE, MAX_CHANGES, MAX_TOTAL_USES, MAX_USES_PER_USER, MAX_WINDOWS, MINUTES_A_DAY, Per,
    Rules, TimeZone, UserLimit, WeeklyWindow,
};

/// The most zones of a campaign: one for each window, and one for the limit for each user.
pub const MAX_ZONES: usize = MAX_WINDOWS + 1;

/// The longest name of a zone, in bytes. The longest in the database has 32.
pub const MAX_ZONE_NAME: usize = 64;

/// A clock is always less than a day ahead of UTC or behind it.
const OFFSETS: std::ops::Range<i32> = -86_399..86_400;

impl Rules {
    /// Whether all bounds are kept and every zone that is named is there.
    pub fn are_valid(&self) -> bool {
        self.zones.len() <= MAX_ZONES
            && self.zones.iter().all(is_zone)
            && self.uses_per_user.is_none_or(|limit| self.is_user_limit(&limit))
            && self.total_uses.is_none_or(|total| (1..=MAX_TOTAL_USES).contains(&total.limit))
            && self.balance.is_none_or(|balance| {
                balance.currency.is_valid() && (1..=MAX_BALANCE).contains(&balance.minor_units)
            })
            && self.windows.len() <= MAX_WINDOWS
            && self.windows.iter().all(|window| self.is_window(window))
    }

    fn is_user_limit(&self, limit: &UserLimit) -> bool {
        (1..=MAX_USES_PER_USER).contains(&limit.limit)
            && (limit.per == Per::Ever || self.has_zone(limit.zone))
    }

    fn is_window(&self, window: &WeeklyWindow) -> bool {
        window.weekdays.are_valid()
            && window.from < MINUTES_A_DAY
            && (1..=MINUTES_A_DAY).contains(&window.to)
            && self.has_zone(window.zone)
    }

    fn has_zone(&self, place: u16) -> bool {
        usize::from(place) < self.zones.len()
    }
}

fn is_zone(zone: &TimeZone) -> bool {
    let mut offsets = zone.changes.iter().map(|&(_, offset)| offset).chain([zone.first_offset]);
    (1..=MAX_ZONE_NAME).contains(&zone.name.len())
        && !zone.name.chars().any(char::is_control)
        && zone.changes.len() <= MAX_CHANGES
        && zone.changes.is_sorted_by(|(one, _), (next, _)| one < next)
        && offsets.all(|offset| OFFSETS.contains(&offset))
}
