//! How much is sent to all listeners together, so that following costs redeeming little.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What each delivery costs at the least, in bytes, whatever it holds: to wake a connection and write
/// to it takes about as long as to copy so much.
pub(super) const LEAST_BYTES: u64 = 8 << 10;

/// Gives out turns, one after another, at so many bytes a second.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the next turn may begin.
    next: Mutex<Instant>,
}

impl Pace {
    /// The first turn may begin now.
    pub(super) fn new(now: Instant) -> Self {
        Self { next: Mutex::new(now) }
    }

    /// A turn for one delivery, with its least cost paid; it begins when this says.
    pub(super) fn turn(&self, now: Instant, bytes_per_second: u64) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(now);
        *next = turn + duration(LEAST_BYTES, bytes_per_second);
        turn
    }

    /// What a delivery cost beyond the least: later turns begin later.
    pub(super) fn charge(&self, bytes: u64, bytes_per_second: u64) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += duration(bytes.saturating_sub(LEAST_BYTES), bytes_per_second);
    }
}

fn duration(bytes: u64, bytes_per_second: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / bytes_per_second.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_follow_each_other_at_the_rate() {
        let begin = Instant::now();
        let pace = Pace::new(begin);
        let rate = 8 * LEAST_BYTES;
        let eighth = Duration::from_millis(125);
        assert_eq!(pace.turn(begin, rate), begin);
        assert_eq!(pace.turn(begin, rate), begin + eighth);
        pace.charge(3 * LEAST_BYTES, rate);
        assert_eq!(pace.turn(begin, rate), begin + 4 * eighth);
        let later = begin + Duration::from_secs(9);
        assert_eq!(pace.turn(later, rate), later, "what nobody used is not saved up");
        pace.charge(1, rate);
        assert_eq!(pace.turn(later, rate), later + eighth);
    }
}
