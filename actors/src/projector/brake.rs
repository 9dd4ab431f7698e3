//! The brake: keeps a database that refuses nearly everything from having the whole stream set aside.
//! A plain value; time comes in from outside.
//!
//! One outcome that is refused for its content is set aside, so that it does not stop the others.
//! Where nearly all are refused it is not the outcomes that are wrong, but something in the database:
//! a trigger, a constraint, a view in a table's place. Then setting aside is slow, and leaves a heap
//! that somebody has to have tried again. So once many more were set aside than arrived, there is a
//! pause after each, in which nothing is written. What is refused is still set aside, one by one: no
//! outcome stops the others for ever. The first that arrives ends it.

use std::time::Duration;

/// How many more outcomes may be set aside than arrive, before there are pauses.
pub const MOST_SET_ASIDE: u64 = 100;

/// Counts what is set aside and what arrives. Times are since any fixed moment.
#[derive(Clone, Debug)]
pub struct Brake {
    pause: Duration,
    /// How many more were set aside than arrived, up to the most.
    excess: u64,
    /// Why the last one was refused.
    reason: String,
    /// When the pause began; `None` where it is to begin.
    paused: Option<Duration>,
}

impl Brake {
    /// A loose one, which makes pauses of this length when it is not.
    pub fn new(pause: Duration) -> Self {
        Self { pause, excess: 0, reason: String::new(), paused: None }
    }

    /// Why outcomes are refused, while there are pauses.
    pub fn reason(&self) -> Option<&str> {
        (self.excess >= MOST_SET_ASIDE).then_some(self.reason.as_str())
    }

    /// How long to wait before anything is written.
    pub fn wait(&mut self, now: Duration) -> Duration {
        if self.reason().is_none() {
            return Duration::ZERO;
        }
        let paused = *self.paused.get_or_insert(now);
        (paused + self.pause).saturating_sub(now)
    }

    /// Whether there is a pause at a time.
    pub fn is_on(&self, now: Duration) -> bool {
        let is_over = self.paused.is_some_and(|paused| now >= paused + self.pause);
        self.reason().is_some() && !is_over
    }

    /// Notes that an outcome was set aside.
    pub fn set_aside(&mut self, reason: &str) {
        self.excess = (self.excess + 1).min(MOST_SET_ASIDE);
        reason.clone_into(&mut self.reason);
        self.paused = None;
    }

    /// Notes that so many arrived.
    pub fn arrived(&mut self, outcomes: u64) {
        self.excess = self.excess.saturating_sub(outcomes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(30);

    #[test]
    fn it_holds_when_many_more_are_set_aside_than_arrive() {
        let mut brake = Brake::new(PAUSE);
        let now = Duration::from_secs(100);
        // As many that arrive as are refused never hold it.
        for _ in 0..10 * MOST_SET_ASIDE {
            brake.set_aside("refused");
            brake.arrived(1);
            assert_eq!((brake.wait(now), brake.reason()), (Duration::ZERO, None));
        }
        for _ in 0..MOST_SET_ASIDE {
            assert_eq!(brake.wait(now), Duration::ZERO);
            brake.set_aside("all of them");
        }
        assert_eq!((brake.wait(now), brake.reason()), (PAUSE, Some("all of them")));
        assert!(brake.is_on(now) && brake.is_on(now + PAUSE / 2));
        // One is tried, and refused: the next pause.
        let later = now + PAUSE;
        assert_eq!((brake.wait(later), brake.is_on(later)), (Duration::ZERO, false));
        brake.set_aside("all of them");
        assert_eq!(brake.wait(later), PAUSE);
        // One arrives: everything goes on.
        brake.arrived(1);
        assert_eq!((brake.wait(later), brake.reason()), (Duration::ZERO, None));
        brake.set_aside("one more");
        assert_eq!(brake.wait(later), PAUSE, "there were as many before as may be");
        brake.arrived(1_000_000);
        for _ in 1..MOST_SET_ASIDE {
            brake.set_aside("again");
        }
        assert_eq!(brake.reason(), None);
    }
}
