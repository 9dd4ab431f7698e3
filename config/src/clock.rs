//! The `[clock]` section: how far time is trusted.

use crate::reader::Reader;

/// The trust in the wall clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Seconds that the wall clock may run ahead of the monotonic one before the shards turn
    /// read-only until an operator decides, 1 to 86,400.
    pub max_leap_seconds: u64,
}

impl Clock {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default().max_leap_seconds;
        Self { max_leap_seconds: reader.integer("clock.max_leap_seconds", 1..=86_400, fallback) }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self { max_leap_seconds: 60 }
    }
}
