//! How quickly the next segment is made.
//!
//! Its zeros go through the processor and the disk that the journal's flushes need as well: all at
//! once they kept every answer waiting for a tenth of a second, each time a segment was begun. So the
//! thread that writes them rests after each piece, as long as it stays ahead of the appends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the thread rests after a piece while nobody is in a hurry.
const REST: Duration = Duration::from_millis(4);

/// What the appends tell the thread that makes the next segment.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How many bytes of the next segment should be there by now.
    wanted: AtomicU64,
}

impl Pace {
    /// A pace without any rest, for whoever waits for the segment.
    pub(super) fn hurried() -> Self {
        Self { wanted: AtomicU64::new(u64::MAX) }
    }

    /// The current segment is filled up to `offset`. The next one should be made twice as far, so
    /// that it is there when this one is half full.
    pub(super) fn filled_to(&self, offset: u64) {
        self.wanted.fetch_max(offset.saturating_mul(2), Ordering::Relaxed);
    }

    /// Somebody waits: no more rests.
    pub(super) fn hurry(&self) {
        self.wanted.store(u64::MAX, Ordering::Relaxed);
    }

    /// How long to rest when so many bytes are there.
    pub(super) fn rest_at(&self, made: u64) -> Option<Duration> {
        (made >= self.wanted.load(Ordering::Relaxed)).then_some(REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_while_it_is_ahead() {
        let pace = Pace::default();
        assert_eq!(pace.rest_at(0), Some(REST));
        pace.filled_to(100);
        assert_eq!(pace.rest_at(199), None, "the appends come close");
        assert_eq!(pace.rest_at(200), Some(REST));
        pace.filled_to(50);
        assert_eq!(pace.rest_at(199), None, "what is filled stays filled");
        pace.hurry();
        pace.filled_to(u64::MAX);
        assert_eq!(pace.rest_at(u64::MAX - 1), None, "somebody waits");
    }

    #[test]
    fn who_waits_himself_never_rests() {
        assert_eq!(Pace::hurried().rest_at(u64::MAX - 1), None);
    }
}
