//! Those who listen to events, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redeemd_actors::status::{Durations, Number};
use redeemd_domain::timestamp::Timestamp;

/// What is counted about listeners.
#[derive(Debug, Default)]
pub struct Listeners {
    open: AtomicU64,
    /// How many were refused because there were as many as may be.
    pub refused: Number,
    /// Events that were sent, to each listener counted.
    pub events: Number,
    /// Bytes that were sent.
    pub bytes: Number,
    /// How old the newest event of each delivery was.
    pub ages: Durations,
}

impl Listeners {
    /// How many listen.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Acquire)
    }

    /// One more, unless there are so many already.
    pub fn join(self: &Arc<Self>, most: u64) -> Option<Listening> {
        let more = |open| (open < most).then_some(open + 1);
        let joined = self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        if joined.is_err() {
            self.refused.add(1);
        }
        joined.is_ok().then(|| Listening(Arc::clone(self)))
    }
}

/// One listener, until it is dropped.
#[derive(Debug)]
pub struct Listening(Arc<Listeners>);

impl Listening {
    /// Counts a delivery: so many events in so many bytes, and when the newest of them happened.
    pub fn sent(&self, events: u64, bytes: u64, newest: Option<Timestamp>) {
        self.0.events.add(events);
        self.0.bytes.add(bytes);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if let Some(newest) = newest {
            self.0.ages.observe(now.saturating_sub(Duration::from_millis(newest.milliseconds())));
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_listen_than_may() {
        let listeners = Arc::new(Listeners::default());
        let first = listeners.join(2);
        let second = listeners.join(2);
        assert!(first.is_some() && second.is_some() && listeners.join(2).is_none());
        drop(first);
        assert!(listeners.join(2).is_some());
        assert_eq!((listeners.open(), listeners.refused.get()), (1, 1));
    }
}
