//! Time zones as the state machine knows them: what the wall's clock shows, from a table.
//!
//! The rules by which countries change their clocks are themselves changed every year, and two
//! servers may have two editions of them. So whoever makes or changes a campaign looks them up
//! once, and the table travels with the campaign: every replay and every replica judges by the same
//! one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// The most changes of the clock that a zone's table holds: two a year for a hundred years.
pub const MAX_CHANGES: usize = 200;

/// A time zone: what its clocks differ from UTC by, since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeZone {
    /// Its name in the IANA time zone database, such as `Europe/Berlin`.
    pub name: Cow<'static, str>,
    /// By how many seconds the clock is ahead of UTC before the first change.
    pub first_offset: i32,
    /// By how many seconds it is ahead from a moment on, in the order of time, at most
    /// [`MAX_CHANGES`]. After the last of them it stays so.
    pub changes: Vec<(Timestamp, i32)>,
}

impl TimeZone {
    /// Universal time, which never changes.
    pub const UTC: Self = Self { name: Cow::Borrowed("UTC"), first_offset: 0, changes: Vec::new() };

    /// What the wall's clock shows at a time, in milliseconds since 1970-01-01T00:00 on the wall.
    pub fn local(&self, at: Timestamp) -> i64 {
        let after = self.changes.partition_point(|&(since, _)| since <= at);
        let last = after.checked_sub(1).and_then(|last| self.changes.get(last));
        let offset = last.map_or(self.first_offset, |&(_, offset)| offset);
        i64::try_from(at.0).unwrap_or(i64::MAX).saturating_add(i64::from(offset) * 1_000)
    }
}
