//! How long to wait before Redis is looked at again: values in, values out.

use std::time::Duration;

/// The shortest wait.
const SHORTEST: Duration = Duration::from_millis(50);

/// How often it went wrong of late, and what that means for the next wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    failures: u32,
    longest: Duration,
}

impl Pace {
    pub(super) fn new(longest: Duration) -> Self {
        Self { failures: 0, longest }
    }

    /// It went wrong again.
    pub(super) fn fail(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// It has gone well for long enough.
    pub(super) fn settle(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now: twice as long after each failure, and of that half to all, as `chance`
    /// says (0: half, [`u32::MAX`]: all), so that many servers do not come at once.
    pub(super) fn delay(self, chance: u32) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        let whole = SHORTEST.saturating_mul(1 << doublings).min(self.longest);
        whole / 2 + (whole / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_bound_and_begin_anew() {
        let mut pace = Pace::new(Duration::from_secs(5));
        let mut waits = Vec::new();
        for _ in 0..40 {
            pace.fail();
            let (least, most) = (pace.delay(0), pace.delay(u32::MAX));
            assert_eq!(least * 2, most);
            waits.push(most.as_millis());
        }
        assert_eq!(waits[..8], [50, 100, 200, 400, 800, 1_600, 3_200, 5_000]);
        assert!(waits[8..].iter().all(|wait| *wait == 5_000));
        pace.settle();
        pace.fail();
        assert_eq!(pace.delay(u32::MAX), SHORTEST);
    }
}
