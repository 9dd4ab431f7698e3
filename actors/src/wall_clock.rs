//! Reading the machine's clocks: the one place where time enters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redeemd_domain::timestamp::Timestamp;

use crate::core::Now;

/// The machine's two clocks. Clones show the same.
#[derive(Clone, Debug)]
pub struct WallClock {
    beginning: Instant,
    ahead_ms: Arc<AtomicU64>,
}

impl Default for WallClock {
    fn default() -> Self {
        Self { beginning: Instant::now(), ahead_ms: Arc::default() }
    }
}

impl WallClock {
    /// What the clocks show.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let wall = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Now {
            wall: Timestamp(wall.saturating_add(self.ahead_ms.load(Ordering::Relaxed))),
            monotonic_ms: u64::try_from(self.beginning.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Lets the time of day run so many milliseconds ahead of the machine's from now on. It is for
    /// tests, which cannot set the clock of a machine that others use too.
    pub fn leap(&self, milliseconds: u64) {
        self.ahead_ms.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// Takes back a leap, as if the clock had been set right.
    pub fn leap_back(&self, milliseconds: u64) {
        self.ahead_ms.fetch_sub(milliseconds, Ordering::Relaxed);
    }
}

/// The time of day, for those who look at the server.
pub fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
