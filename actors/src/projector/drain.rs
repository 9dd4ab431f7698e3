//! How long a backlog will take. A plain value: counts and times come in from outside.

use std::time::Duration;

/// How much of a rate the newest second decides.
const WEIGHT: f64 = 0.2;

/// How long a backlog will take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Estimate {
    /// There is no backlog.
    None,
    /// Nothing was written yet, so that nobody can tell.
    #[default]
    Unknown,
    /// More comes than is written.
    Never,
    /// So long, if all goes on as it does.
    Within(Duration),
}

/// What was counted at a time.
#[derive(Clone, Copy, Debug)]
struct Count {
    now: Duration,
    written: u64,
    available: u64,
    /// Whether there was more to write than one batch.
    is_busy: bool,
}

/// Measures how quickly entries are written while there are many, and how quickly they come.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    last: Option<Count>,
    /// Entries a second, smoothed; 0 before anything is known.
    writing: f64,
    arriving: f64,
}

impl Drain {
    /// Learns how many entries were written so far, how many there are, and how many fit into a
    /// batch. Times are since any fixed moment. `is_writing` is false while the database is away:
    /// that says nothing about how quick it is.
    pub fn observe(
        &mut self,
        now: Duration,
        (written, available): (u64, u64),
        batch: u64,
        is_writing: bool,
    ) {
        let is_busy = is_writing && available.saturating_sub(written) > batch;
        let count = Count { now, written, available, is_busy };
        let Some(last) = self.last.replace(count) else { return };
        let seconds = now.saturating_sub(last.now).as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let rate = |from: u64, to: u64| to.saturating_sub(from) as f64 / seconds;
        self.arriving = smoothed(self.arriving, rate(last.available, available));
        let wrote = rate(last.written, written);
        // A second in which it had nothing to do at last says only that it is at least so quick.
        if last.is_busy && (is_busy || wrote > self.writing) && wrote > 0.0 {
            self.writing = if self.writing == 0.0 { wrote } else { smoothed(self.writing, wrote) };
        }
    }

    /// Entries a second that are written while there are many; 0 where nothing is known.
    pub fn writing(&self) -> f64 {
        self.writing
    }

    /// Entries a second that come.
    pub fn arriving(&self) -> f64 {
        self.arriving
    }

    /// How long what waits now will take.
    pub fn estimate(&self) -> Estimate {
        let Some(last) = self.last else { return Estimate::Unknown };
        let backlog = last.available.saturating_sub(last.written);
        let gained = self.writing - self.arriving;
        match backlog {
            0 => Estimate::None,
            _ if self.writing == 0.0 => Estimate::Unknown,
            _ if gained <= 0.0 => Estimate::Never,
            backlog => Duration::try_from_secs_f64(backlog as f64 / gained)
                .map_or(Estimate::Never, Estimate::Within),
        }
    }
}

fn smoothed(former: f64, newest: f64) -> f64 {
    former * (1.0 - WEIGHT) + newest * WEIGHT
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Lets seconds pass in which entries come and are written.
    fn pass(
        drain: &mut Drain,
        from: (u64, u64),
        per_second: (u64, u64),
        seconds: u64,
    ) -> (u64, u64) {
        let begin = drain.last.map_or(Duration::ZERO, |last| last.now + SECOND);
        let mut count = from;
        for second in 0..seconds {
            let now = begin + SECOND * u32::try_from(second).unwrap();
            drain.observe(now, count, 500, per_second.0 > 0);
            count = (count.0 + per_second.0, count.1 + per_second.1);
        }
        count
    }

    #[test]
    fn a_backlog_takes_what_is_left_at_what_is_gained() {
        let mut drain = Drain::default();
        assert_eq!(drain.estimate(), Estimate::Unknown);
        let count = pass(&mut drain, (0, 1_000_000), (10_000, 2_000), 30);
        let Estimate::Within(time) = drain.estimate() else { panic!("{:?}", drain.estimate()) };
        let expected = (count.1 - count.0) as f64 / 8_000.0;
        let off = time.as_secs_f64() / expected;
        assert!((0.9..1.1).contains(&off), "{time:?}, expected {expected} s");
    }

    #[test]
    fn an_outage_does_not_change_what_is_known_of_the_database() {
        let mut drain = Drain::default();
        let count = pass(&mut drain, (0, 1_000_000), (10_000, 0), 30);
        let known = drain.writing();
        pass(&mut drain, count, (0, 1_000), 100);
        assert_eq!(drain.writing(), known);
        assert!((900.0..1_100.0).contains(&drain.arriving()), "{}", drain.arriving());
        assert!(matches!(drain.estimate(), Estimate::Within(_)));
    }

    #[test]
    fn where_more_comes_than_is_written_it_never_ends_and_without_a_backlog_it_has() {
        let mut drain = Drain::default();
        let (written, available) = pass(&mut drain, (0, 100_000), (1_000, 5_000), 30);
        assert_eq!(drain.estimate(), Estimate::Never);
        drain.observe(SECOND * 31, (available, available), 500, true);
        assert_eq!(drain.estimate(), Estimate::None);
        assert!(written < available);
    }
}
