//! When the requests of an open loop are due, and which of them were sent. It is told the time and
//! knows no clock.

use std::time::Duration;

/// For how long after its end a schedule still hands out what is overdue.
const GRACE: Duration = Duration::from_secs(1);

const NANOSECONDS_A_SECOND: f64 = 1e9;

/// One thread's part of a fixed schedule: every so many-th request of the whole.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    rate: f64,
    /// Which of the whole schedule's requests is the first here.
    offset: u64,
    /// How many there are in the whole schedule from one here to the next.
    stride: u64,
    backlog: u64,
    /// The time at which nothing more is due.
    end: Duration,
    total: u64,
    next: u64,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Send the request that was due at this time, measured from the start.
    Send(Duration),
    /// Nothing yet.
    Wait,
    /// Nothing any more.
    Over,
}

impl Schedule {
    /// The part of the `place`th of so many threads in a schedule of `rate` requests a second for
    /// `duration`. At most `backlog` of the part may be overdue.
    pub(super) fn new(
        rate: f64,
        duration: Duration,
        place: u64,
        threads: u64,
        backlog: u64,
    ) -> Self {
        let whole = (rate * duration.as_secs_f64()).round() as u64;
        let total = whole.saturating_sub(place).div_ceil(threads);
        let (offset, stride) = (place, threads);
        Self { rate, offset, stride, backlog, end: duration, total, next: 0 }
    }

    /// How many requests it has.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// When one of them is due, by its place; `None` behind the last.
    pub(super) fn due(&self, place: u64) -> Option<Duration> {
        if place >= self.total {
            return None;
        }
        let place = self.offset + place * self.stride;
        Some(Duration::from_nanos((place as f64 * NANOSECONDS_A_SECOND / self.rate) as u64))
    }

    /// The first that was not handed out.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Hands out the next request, if it is due. The number is how many that are overdue are not to
    /// be sent any more.
    pub(super) fn take(&mut self, now: Duration) -> (Turn, u64) {
        let overdue = self.due_by(now).saturating_sub(self.next);
        let kept = if now >= self.end + GRACE { 0 } else { self.backlog.max(1) };
        let dropped = overdue.saturating_sub(kept);
        self.next += dropped;
        let turn = match self.due(self.next) {
            None => Turn::Over,
            Some(due) if due <= now => {
                self.next += 1;
                Turn::Send(due)
            }
            Some(_) => Turn::Wait,
        };
        (turn, dropped)
    }

    /// How many are due by a time.
    fn due_by(&self, now: Duration) -> u64 {
        let whole = now.as_nanos() as f64 * self.rate / NANOSECONDS_A_SECOND;
        let whole = whole as u64 + 1;
        whole.saturating_sub(self.offset).div_ceil(self.stride).min(self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn requests_are_due_one_after_another() {
        let mut schedule = Schedule::new(1000.0, MS(3), 0, 1, 10);
        assert_eq!(schedule.take(MS(0)), (Turn::Send(MS(0)), 0));
        assert_eq!(schedule.take(MS(0)), (Turn::Wait, 0));
        assert_eq!(schedule.take(MS(2)), (Turn::Send(MS(1)), 0));
        assert_eq!(schedule.take(MS(2)), (Turn::Send(MS(2)), 0));
        assert_eq!(schedule.take(MS(2)), (Turn::Over, 0));
    }

    #[test]
    fn threads_share_a_schedule_without_gaps() {
        for (rate, ms, threads) in [(1000.0, 10, 3), (7.5, 4000, 4), (1.0, 1000, 2), (3.0, 900, 1)]
        {
            let whole = Schedule::new(rate, MS(ms), 0, 1, 1);
            let parts = (0..threads).map(|place| Schedule::new(rate, MS(ms), place, threads, 1));
            let mut due: Vec<_> =
                parts.flat_map(|part| (0..).map_while(move |place| part.due(place))).collect();
            due.sort();
            let expected: Vec<_> = (0..).map_while(|place| whole.due(place)).collect();
            assert_eq!(due, expected);
            assert_eq!(due.len() as u64, whole.total());
        }
    }

    #[test]
    fn what_cannot_be_sent_in_time_is_bounded_and_counted() {
        let mut schedule = Schedule::new(1000.0, MS(1000), 0, 1, 5);
        // At 99 ms a hundred are due; five may wait.
        assert_eq!(schedule.take(MS(99)), (Turn::Send(MS(95)), 95));
        assert_eq!(schedule.take(MS(99)), (Turn::Send(MS(96)), 0));
        let (mut sent, mut dropped) = (2, 95);
        loop {
            let (turn, more) = schedule.take(MS(1500));
            dropped += more;
            match turn {
                Turn::Send(_) => sent += 1,
                Turn::Wait => panic!("all are due"),
                Turn::Over => break,
            }
        }
        assert_eq!((sent, dropped), (7, 993), "the last are still sent after the end");
    }

    #[test]
    fn a_schedule_has_an_end_though_nobody_is_free() {
        let mut schedule = Schedule::new(1000.0, MS(10), 0, 1, 1000);
        assert_eq!(schedule.take(MS(10) + GRACE), (Turn::Over, 10));
    }
}
