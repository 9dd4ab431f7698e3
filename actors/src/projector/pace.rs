//! How much to write at once. A plain value.

use std::time::Duration;

/// How long a batch should take: long enough that what each costs by itself does not count, short
/// enough that little is done twice after a failure, and that nothing waits long behind it.
const TARGET: Duration = Duration::from_millis(500);

/// How many times what a batch costs by itself it should take, where that is much: a database that
/// is far away answers each statement late, however little there is in it.
const TIMES_FIXED: u32 = 4;

/// The size below which batches do not get, where there is as much to write.
const LEAST: usize = 500;

/// How large a batch may be, in outcomes or rows, after what the last ones took.
#[derive(Clone, Debug)]
pub struct Pace {
    limit: usize,
    most: usize,
    longest: Duration,
    /// What a batch costs by itself, as small ones show.
    fixed: Duration,
}

impl Pace {
    /// One that begins small, never exceeds so much, and never aims at batches that take longer
    /// than this.
    pub fn new(most: usize, longest: Duration) -> Self {
        Self { limit: LEAST.min(most), most, longest, fixed: Duration::ZERO }
    }

    /// How large the next batch may be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Learns from a batch that was written: how large it was, and how long it took.
    pub fn written(&mut self, size: usize, took: Duration) {
        self.fixed = match self.fixed {
            Duration::ZERO => took,
            fixed if size <= LEAST => (fixed + took) / 2,
            fixed => fixed.min(took),
        };
        let target = (self.fixed * TIMES_FIXED).min(self.longest).max(TARGET);
        // A small one says little of how long large ones take.
        if size >= self.limit && took < target / 2 {
            self.limit = (self.limit * 2).min(self.most);
        } else if took > target * 2 {
            self.shrink();
        }
    }

    /// Learns that a batch did not arrive: it may have been too large for the time that it had.
    pub fn failed(&mut self) {
        self.shrink();
    }

    fn shrink(&mut self) {
        self.limit = (self.limit / 2).max(LEAST.min(self.most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(15);

    /// Writes full batches to a database that takes so long for each, and for each row.
    fn write(pace: &mut Pace, fixed: Duration, row: Duration) -> usize {
        for _ in 0..40 {
            let rows = u32::try_from(pace.limit()).unwrap();
            pace.written(pace.limit(), fixed + row * rows);
        }
        pace.limit()
    }

    #[test]
    fn it_grows_while_batches_are_quick_and_shrinks_when_they_are_slow() {
        let mut pace = Pace::new(50_000, LONGEST);
        let quick = Duration::from_millis(20);
        assert_eq!(write(&mut pace, quick, Duration::ZERO), 50_000);
        pace.written(10, quick);
        assert_eq!(pace.limit(), 50_000, "a small batch says nothing");
        let limit = write(&mut pace, quick, Duration::from_micros(100));
        assert!((1_250..10_000).contains(&limit), "{limit} rows of 0.1 ms");
        (0..40).for_each(|_| pace.written(10, quick));
        assert_eq!(pace.limit(), limit, "nor do many");
        let limit = write(&mut pace, quick, Duration::from_millis(10));
        assert!(limit <= 2_000, "{limit} rows of 10 ms");
        assert_eq!(write(&mut pace, quick, Duration::ZERO), 50_000);
    }

    #[test]
    fn where_every_batch_takes_long_by_itself_larger_ones_are_no_slower() {
        let mut pace = Pace::new(50_000, LONGEST);
        assert_eq!(write(&mut pace, Duration::from_secs(2), Duration::ZERO), 50_000);
        // Also where it was near before.
        write(&mut pace, Duration::from_millis(20), Duration::ZERO);
        assert_eq!(write(&mut pace, Duration::from_secs(2), Duration::ZERO), 50_000);
    }

    #[test]
    fn a_batch_that_did_not_arrive_is_followed_by_a_smaller_one() {
        let mut pace = Pace::new(50_000, LONGEST);
        let former = write(&mut pace, Duration::from_millis(1), Duration::ZERO);
        pace.failed();
        assert_eq!(pace.limit(), former / 2);
        (0..20).for_each(|_| pace.failed());
        assert_eq!(pace.limit(), LEAST);
    }
}
