//! How much to write at once. A plain value.

use std::time::Duration;

/// How long a batch should take: long enough that what each costs by itself does not count, short
/// enough that little is done twice after a failure, and that nothing waits long behind it.
const TARGET: Duration = Duration::from_millis(500);

/// The size below which batches do not get, where there is as much to write.
const LEAST: usize = 500;

/// How large a batch may be, in outcomes or rows, after what the last ones took.
#[derive(Clone, Debug)]
pub struct Pace {
    limit: usize,
    most: usize,
    /// Entries a second while writing, smoothed; 0 before the first batch.
    rate: f64,
}

impl Pace {
    /// One that begins small and never exceeds this.
    pub fn new(most: usize) -> Self {
        Self { limit: LEAST.min(most), most, rate: 0.0 }
    }

    /// How large the next batch may be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many entries a second are written, while there is something to write; 0 where nothing is
    /// known.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Learns from a batch that was written: how large it was, how many entries it covered, how long
    /// it took.
    pub fn written(&mut self, size: usize, entries: u64, took: Duration) {
        let is_full = size >= self.limit;
        if is_full && took < TARGET / 2 {
            self.limit = (self.limit * 2).min(self.most);
        } else if took > TARGET * 2 {
            self.limit = (self.limit / 2).max(LEAST.min(self.most));
        }
        // Small batches say little of how quick large ones are.
        if is_full || self.rate == 0.0 {
            let rate = entries as f64 / took.as_secs_f64().max(0.001);
            self.rate = if self.rate == 0.0 { rate } else { self.rate * 0.8 + rate * 0.2 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_batches_are_quick_and_shrinks_when_they_are_slow() {
        let mut pace = Pace::new(50_000);
        let quick = Duration::from_millis(20);
        for _ in 0..20 {
            pace.written(pace.limit(), pace.limit() as u64, quick);
        }
        assert_eq!(pace.limit(), 50_000);
        pace.written(10, 10, quick);
        assert_eq!(pace.limit(), 50_000, "a small batch says nothing");
        for _ in 0..20 {
            pace.written(pace.limit(), pace.limit() as u64, Duration::from_secs(5));
        }
        assert_eq!(pace.limit(), LEAST);
    }
}
