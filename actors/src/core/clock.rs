//! The clock as a sequence sees it: stamps never run backwards, and a leap forward is believed
//! only when an operator says so.
//!
//! One leap of a machine's clock could expire every code at once, and what has expired in the
//! journal has expired for ever. The monotonic clock tells how much time can have passed.
//!
//! Where the wall clock is behind the last stamp (it was ahead once and was set right), stamps stay
//! where they are until it has caught up: any advance would expire more before its time, and would
//! keep the stamps wrong for longer. [`Clock::behind_ms`] tells how far that is.

use redeemd_domain::timestamp::Timestamp;

/// What two clocks showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The time of day, which may be set by anybody.
    pub wall: Timestamp,
    /// Milliseconds since some beginning, which nobody can set.
    pub monotonic_ms: u64,
}

/// A leap of the wall clock that was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leap {
    /// What the wall clock shows.
    pub wall: Timestamp,
    /// The latest time that would have been believed.
    pub believed: Timestamp,
}

/// Gives the stamps of one sequence.
#[derive(Clone, Debug)]
pub struct Clock {
    last_stamp: Timestamp,
    seen: Option<Now>,
    /// How far the wall clock was behind the last stamp when it was read last.
    behind_ms: u64,
    max_leap_ms: u64,
}

impl Clock {
    /// A clock that goes on after the stamp of the last entry. The first reading is believed,
    /// since nobody knows how long the server was away.
    pub fn new(last_stamp: Timestamp, max_leap_ms: u64) -> Self {
        Self { last_stamp, seen: None, behind_ms: 0, max_leap_ms }
    }

    /// The stamp for now.
    ///
    /// # Errors
    /// When the wall clock is further ahead than the monotonic clock allows.
    pub fn stamp(&mut self, now: Now) -> Result<Timestamp, Leap> {
        if let Some(seen) = self.seen {
            let passed = now.monotonic_ms.saturating_sub(seen.monotonic_ms);
            // Up to the last stamp nothing new can expire: a clock that was set back by mistake may
            // come forward again.
            let reached = seen.wall.0.saturating_add(passed).max(self.last_stamp.0);
            let believed = reached.saturating_add(self.max_leap_ms);
            if now.wall.0 > believed {
                return Err(Leap { wall: now.wall, believed: Timestamp(believed) });
            }
        }
        self.seen = Some(now);
        self.last_stamp = self.last_stamp.max(now.wall).min(Timestamp::MAX);
        self.behind_ms = self.last_stamp.0.saturating_sub(now.wall.0);
        Ok(self.last_stamp)
    }

    /// How far the wall clock was behind the last stamp when it was read last, in milliseconds; 0
    /// where it is not behind. For so long stamps stay where they are.
    pub fn behind_ms(&self) -> u64 {
        self.behind_ms
    }

    /// Changes how far the wall clock may leap ahead and be believed, in milliseconds.
    pub fn set_max_leap_ms(&mut self, max_leap_ms: u64) {
        self.max_leap_ms = max_leap_ms;
    }

    /// Believes what the clock shows now, because an operator said so, and nothing further ahead.
    /// Gives the leap that is believed, if it was one.
    pub fn believe(&mut self, now: Now) -> Option<Leap> {
        let leap = self.stamp(now).err()?;
        self.seen = None;
        let _ = self.stamp(now);
        Some(leap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(wall: u64, monotonic_ms: u64) -> Now {
        Now { wall: Timestamp(wall), monotonic_ms }
    }

    #[test]
    fn stamps_never_run_backwards() {
        let mut clock = Clock::new(Timestamp(5_000), 60_000);
        assert_eq!(clock.stamp(now(4_000, 0)), Ok(Timestamp(5_000)));
        assert_eq!(clock.behind_ms(), 1_000);
        assert_eq!(clock.stamp(now(6_000, 10)), Ok(Timestamp(6_000)));
        assert_eq!(clock.behind_ms(), 0);
        assert_eq!(clock.stamp(now(1_000, 20)), Ok(Timestamp(6_000)));
        assert_eq!(clock.behind_ms(), 5_000);
    }

    #[test]
    fn a_clock_that_was_set_back_by_mistake_may_come_forward_again() {
        let mut clock = Clock::new(Timestamp(0), 60_000);
        clock.stamp(now(4_000_000, 0)).unwrap();
        assert_eq!(clock.stamp(now(400_000, 10)), Ok(Timestamp(4_000_000)));
        assert!(clock.stamp(now(4_060_001, 20)).is_err(), "further than it had been");
        assert_eq!(clock.behind_ms(), 3_600_000, "what is not believed changes nothing");
        assert_eq!(clock.stamp(now(4_000_020, 20)), Ok(Timestamp(4_000_020)));
        assert_eq!(clock.behind_ms(), 0);
    }

    #[test]
    fn a_leap_is_believed_only_when_somebody_says_so() {
        let mut clock = Clock::new(Timestamp(0), 60_000);
        assert_eq!(clock.stamp(now(1_000_000, 0)), Ok(Timestamp(1_000_000)));
        assert_eq!(clock.stamp(now(1_060_010, 10)), Ok(Timestamp(1_060_010)));
        let leap = clock.stamp(now(2_000_000, 20)).unwrap_err();
        assert_eq!(leap.believed, Timestamp(1_120_020));
        assert_eq!(clock.stamp(now(1_060_030, 30)), Ok(Timestamp(1_060_030)));
        assert!(clock.stamp(now(2_000_000, 40)).is_err());
        assert_eq!(
            clock.believe(now(2_000_000, 40)),
            Some(Leap { believed: Timestamp(1_120_040), ..leap })
        );
        assert_eq!(clock.stamp(now(2_000_000, 50)), Ok(Timestamp(2_000_000)));
        // Only that one is believed, and where there is none, none that comes later.
        assert!(clock.stamp(now(3_000_000, 60)).is_err());
        assert_eq!(clock.believe(now(2_000_070, 70)), None);
        assert!(clock.stamp(now(3_000_000, 80)).is_err());
    }

    #[test]
    fn a_clock_that_slept_with_its_machine_is_believed_when_the_monotonic_clock_slept_less() {
        let mut clock = Clock::new(Timestamp(0), 60_000);
        clock.stamp(now(0, 0)).unwrap();
        assert!(clock.stamp(now(3_600_000, 3_550_000)).is_ok());
    }
}
