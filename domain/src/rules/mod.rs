//! What a campaign may ask beyond a window and a number of uses for each code: limits that span
//! codes, money on codes, and hours of the week.
//!
//! Most campaigns have none of this and carry no [`Rules`] at all, so they pay nothing for them.

mod balance;
mod limit;
mod validity;
mod weekly_window;
mod zone;

use serde::{Deserialize, Serialize};

pub use balance::{Balance, Currency, MAX_BALANCE};
pub use limit::{MAX_TOTAL_USES, MAX_USES_PER_USER, Per, Period, TotalLimit, UserLimit};
pub use validity::{MAX_ZONE_NAME, MAX_ZONES};
pub use weekly_window::{MINUTES_A_DAY, Weekday, Weekdays, WeeklyWindow};
pub use zone::{MAX_CHANGES, TimeZone};

use crate::timestamp::Timestamp;

/// The most weekly windows of a campaign.
pub const MAX_WINDOWS: usize = 32;

/// The rules of a campaign beyond those that every campaign has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The time zones that the other rules name by their place here.
    pub zones: Vec<TimeZone>,
    /// How often one user may redeem codes of the campaign.
    pub uses_per_user: Option<UserLimit>,
    /// How often its codes may be redeemed altogether.
    pub total_uses: Option<TotalLimit>,
    /// What each of its codes is worth.
    pub balance: Option<Balance>,
    /// The hours of the week in which it may be redeemed, at most [`MAX_WINDOWS`]; none means
    /// always.
    pub windows: Vec<WeeklyWindow>,
}

impl Rules {
    /// Whether a time lies in one of the weekly windows, or there are none.
    pub fn is_open_at(&self, at: Timestamp) -> bool {
        self.windows.is_empty()
            || self.windows.iter().any(|window| window.contains(self.zone(window.zone).local(at)))
    }

    /// The period into which a use at a time falls, by the limit for each user.
    pub fn period_at(&self, limit: &UserLimit, at: Timestamp) -> Period {
        Period::of(limit.per, self.zone(limit.zone).local(at))
    }

    /// The zone at a place; UTC for a place that does not exist.
    pub fn zone(&self, place: u16) -> &TimeZone {
        static UTC: TimeZone = TimeZone::UTC;
        self.zones.get(usize::from(place)).unwrap_or(&UTC)
    }
}
