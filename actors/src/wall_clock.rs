//! Reading the machine's clocks: the one place where time enters.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redeemd_domain::timestamp::Timestamp;

use crate::core::Now;

/// The machine's two clocks.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    beginning: Instant,
}

impl Default for WallClock {
    fn default() -> Self {
        Self { beginning: Instant::now() }
    }
}

impl WallClock {
    /// What the clocks show.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Now {
            wall: Timestamp(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
            monotonic_ms: u64::try_from(self.beginning.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The time of day, for those who look at the server.
pub fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
