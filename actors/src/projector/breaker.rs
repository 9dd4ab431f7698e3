//! The circuit breaker: whether it makes sense to ask PostgreSQL at all. A plain value; time and
//! chance come in from outside.

use std::time::Duration;

/// After how many failures on end the breaker opens.
const FAILURES_TO_OPEN: u32 = 3;

/// How long to wait after the first failure.
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// What the breaker lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything.
    Closed,
    /// Nothing, until its time is over.
    Open,
    /// One attempt, by which it closes or opens again.
    HalfOpen,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// What people and programs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Counts failures, and says when to try again. Times are since any fixed moment.
#[derive(Clone, Debug)]
pub struct Breaker {
    longest_delay: Duration,
    failures: u32,
    not_before: Duration,
}

impl Breaker {
    /// A closed one, which never waits longer than this.
    pub fn new(longest_delay: Duration) -> Self {
        Self { longest_delay, failures: 0, not_before: Duration::ZERO }
    }

    /// What it lets pass at a time.
    pub fn state(&self, now: Duration) -> State {
        match self.failures {
            failures if failures < FAILURES_TO_OPEN => State::Closed,
            _ if now < self.not_before => State::Open,
            _ => State::HalfOpen,
        }
    }

    /// How long to wait before the next attempt.
    pub fn wait(&self, now: Duration) -> Duration {
        self.not_before.saturating_sub(now)
    }

    /// How many failures there were on end.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes that something worked.
    pub fn succeeded(&mut self) {
        *self = Self::new(self.longest_delay);
    }

    /// Notes that something did not work. The delay doubles each time up to its longest, and of it
    /// a part between half and the whole is waited, by `chance`, so that several servers do not come
    /// back in step.
    pub fn failed(&mut self, now: Duration, chance: u64) {
        let doublings = self.failures.min(20);
        self.failures = self.failures.saturating_add(1);
        let delay = FIRST_DELAY.saturating_mul(1 << doublings).min(self.longest_delay);
        self.not_before = now + delay / 2 + part(delay / 2, chance);
    }

    /// Notes that something will not work until somebody has done something: the next attempt is
    /// after the longest delay.
    pub fn stopped(&mut self, now: Duration) {
        self.failures = self.failures.max(FAILURES_TO_OPEN);
        self.not_before = now + self.longest_delay;
    }
}

/// A part of a duration, from nothing to all of it.
fn part(duration: Duration, chance: u64) -> Duration {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1);
    Duration::from_nanos(chance % (nanoseconds + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(30);

    #[test]
    fn it_opens_tries_once_and_closes() {
        let mut breaker = Breaker::new(LONGEST);
        let mut now = Duration::from_secs(100);
        for failure in 1..=FAILURES_TO_OPEN {
            assert_eq!(breaker.state(now), State::Closed);
            breaker.failed(now, 7);
            assert!(breaker.wait(now) > Duration::ZERO);
            if failure < FAILURES_TO_OPEN {
                now += breaker.wait(now);
            }
        }
        assert_eq!(breaker.state(now), State::Open);
        now += breaker.wait(now);
        assert_eq!((breaker.state(now), breaker.wait(now)), (State::HalfOpen, Duration::ZERO));
        breaker.failed(now, 7);
        assert_eq!(breaker.state(now), State::Open);
        now += breaker.wait(now);
        breaker.succeeded();
        assert_eq!((breaker.state(now), breaker.wait(now)), (State::Closed, Duration::ZERO));
    }

    #[test]
    fn delays_grow_to_the_longest_and_no_further_whatever_chance_says() {
        for chance in [0, 1, 999_999_999, u64::MAX] {
            let mut breaker = Breaker::new(LONGEST);
            let mut former = Duration::ZERO;
            for _ in 0..100 {
                breaker.failed(Duration::ZERO, chance);
                let delay = breaker.wait(Duration::ZERO);
                assert!(delay <= LONGEST && delay >= FIRST_DELAY / 2, "{delay:?}");
                assert!(delay * 2 >= former.min(LONGEST / 2), "{former:?} {delay:?}");
                former = delay;
            }
            assert!(former >= LONGEST / 2);
        }
    }

    #[test]
    fn chance_scatters_delays_over_half_of_each() {
        let wait = |chance| {
            let mut breaker = Breaker::new(LONGEST);
            breaker.failed(Duration::ZERO, chance);
            breaker.wait(Duration::ZERO)
        };
        assert_eq!(wait(0), FIRST_DELAY / 2);
        assert_eq!(wait(u64::try_from((FIRST_DELAY / 2).as_nanos()).unwrap()), FIRST_DELAY);
    }
}
