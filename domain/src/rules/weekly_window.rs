//! Hours of the week in which codes may be redeemed.

use serde::{Deserialize, Serialize};

/// How many minutes the wall's clock has between two midnights.
pub const MINUTES_A_DAY: u16 = 24 * 60;

const MILLISECONDS_A_MINUTE: i64 = 60_000;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The three letters by which programs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monday => "mon",
            Self::Tuesday => "tue",
            Self::Wednesday => "wed",
            Self::Thursday => "thu",
            Self::Friday => "fri",
            Self::Saturday => "sat",
            Self::Sunday => "sun",
        }
    }

    /// The weekday with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|weekday| weekday.name() == name)
    }
}

/// A set of weekdays, one bit each, Monday the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weekdays(u8);

impl Weekdays {
    /// The set of these.
    pub fn of(weekdays: impl IntoIterator<Item = Weekday>) -> Self {
        Self(weekdays.into_iter().fold(0, |bits, weekday| bits | (1 << weekday as u8)))
    }

    /// Whether one of them is in it.
    pub const fn contains(self, weekday: Weekday) -> bool {
        self.0 & (1 << weekday as u8) != 0
    }

    /// Whether at least one is in it, and nothing that is no weekday.
    pub(super) const fn are_valid(self) -> bool {
        0 < self.0 && self.0 < 1 << Weekday::ALL.len()
    }

    /// Those that are in it, in their order.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::ALL.into_iter().filter(move |&weekday| self.contains(weekday))
    }
}

/// Some hours of some weekdays, as the wall's clock of a time zone has them: from the first moment
/// of a minute up to, and not including, another. Where the end is not after the beginning, the
/// window goes on into the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeeklyWindow {
    /// The days on which it begins.
    pub weekdays: Weekdays,
    /// The minute of the day at which it begins, below [`MINUTES_A_DAY`].
    pub from: u16,
    /// The minute of the day at which it ends, from 1 to [`MINUTES_A_DAY`], or, for one that goes
    /// on into the next day, the minute of that day, at most `from`.
    pub to: u16,
    /// The place of the time zone among the rules' zones.
    pub zone: u16,
}

impl WeeklyWindow {
    /// Whether a local time, in milliseconds since 1970-01-01T00:00 on the wall, lies in it.
    pub fn contains(&self, local: i64) -> bool {
        let minute = local.div_euclid(MILLISECONDS_A_MINUTE);
        let day = minute.div_euclid(MINUTES_A_DAY.into());
        let minute = minute.rem_euclid(MINUTES_A_DAY.into());
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        if from < to {
            self.begins_on(day) && (from..to).contains(&minute)
        } else {
            (self.begins_on(day) && minute >= from) || (self.begins_on(day - 1) && minute < to)
        }
    }

    fn begins_on(&self, day: i64) -> bool {
        // The first of January 1970 was a Thursday.
        let place = (day + 3).rem_euclid(7);
        usize::try_from(place)
            .ok()
            .and_then(|place| Weekday::ALL.get(place))
            .is_some_and(|&weekday| self.weekdays.contains(weekday))
    }
}
