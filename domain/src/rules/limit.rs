//! Limits that span codes.

use serde::{Deserialize, Serialize};

use crate::campaign::Revision;
use crate::timestamp::Timestamp;

/// The largest limit for each user.
pub const MAX_USES_PER_USER: u32 = 1_000_000;

/// The largest limit for all users together: as many codes as a campaign can have.
pub const MAX_TOTAL_USES: u64 = 1 << 40;

/// How often one user may redeem codes of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLimit {
    /// How often, from 1 to [`MAX_USES_PER_USER`].
    pub limit: u32,
    /// In how long.
    pub per: Per,
    /// The place of the time zone among the rules' zones, by which days, weeks and months begin.
    /// All time needs none; there it is 0.
    pub zone: u16,
}

/// The time in which a user's uses are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Per {
    /// For ever.
    Ever,
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday.
    Week,
    /// From the first to the last of a month.
    Month,
}

impl Per {
    /// What programs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ever => "ever",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// How often a campaign's codes may be redeemed altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalLimit {
    /// How often, from 1 to [`MAX_TOTAL_USES`].
    pub limit: u64,
    /// The campaign's revision since which the limit is so. Shares of it that shards hold belong
    /// to this revision; another limit makes them void.
    pub since: Revision,
}

/// One day, week or month, or all time: the kind in the upper bits and its number, counted from
/// 1970, below. Two times fall into the same period exactly when their numbers are equal.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Period(pub u32);

const KIND_SHIFT: u32 = 28;
const MILLISECONDS_A_DAY: i64 = 86_400_000;

impl Period {
    /// The period of a local time, which is in milliseconds since 1970-01-01T00:00 on the wall.
    pub fn of(per: Per, local: i64) -> Self {
        let day = local.div_euclid(MILLISECONDS_A_DAY);
        let (kind, number) = match per {
            Per::Ever => (0, 0),
            Per::Day => (1, day),
            // The first of January 1970 was a Thursday.
            Per::Week => (2, (day + 3).div_euclid(7)),
            Per::Month => (3, month_of(day)),
        };
        let number = u32::try_from(number).unwrap_or(0) & ((1 << KIND_SHIFT) - 1);
        Self((kind << KIND_SHIFT) | number)
    }

    /// Whether the period is over at a time, whatever the time zone: no clock on a wall is more
    /// than two days from UTC.
    pub fn is_over_everywhere(self, at: Timestamp) -> bool {
        let number = i64::from(self.0 & ((1 << KIND_SHIFT) - 1));
        let day =
            i64::try_from(at.0).unwrap_or(i64::MAX) / MILLISECONDS_A_DAY - DAYS_BETWEEN_CLOCKS;
        match self.0 >> KIND_SHIFT {
            1 => number < day,
            2 => number < (day + 3).div_euclid(7),
            3 => number < month_of(day),
            _ => false,
        }
    }
}

/// By how many days the clock on a wall may be behind UTC, generously.
const DAYS_BETWEEN_CLOCKS: i64 = 2;

/// The number of the month in which a day lies, both counted from January 1970, in the Gregorian
/// calendar (after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013).
fn month_of(day: i64) -> i64 {
    // Days since 0000-03-01, so that leap days end a year of calculation.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // March is 0 and February 11; in January and February the year of the wall is the next one.
    let month = (5 * day_of_year + 2) / 153;
    (era * 400 + year_of_era) * 12 + month + 2 - 1970 * 12
}
