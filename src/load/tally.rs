//! What was answered: how often, how, and within which time.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest time that is told apart from longer ones, in microseconds: ten minutes.
const LONGEST_MICROSECONDS: u64 = 600_000_000;

/// How many digits of a time are kept.
const DIGITS: u8 = 3;

/// The most names of problems that are counted apart.
const MOST_NAMES: usize = 64;

/// The lowest status that says no.
const FIRST_REFUSAL: u16 = 400;

/// What was answered.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Answers, by whatever status.
    pub answers: u64,
    /// What was asked for and answered, by status: one for each answer, or one for each item of a
    /// batch.
    pub statuses: BTreeMap<u16, u64>,
    /// What was refused, by the name of the problem.
    pub problems: BTreeMap<String, u64>,
    /// Requests without an answer, by what happened.
    pub broken: BTreeMap<&'static str, u64>,
    /// Requests that were due and never sent, since no connection was free in time.
    pub not_sent: u64,
    /// Times until an answer from when its request was due, in microseconds. In a closed loop a
    /// request is due when it is sent.
    pub latency: Histogram<u64>,
    /// Times until an answer from when its request was sent, in microseconds.
    pub service: Histogram<u64>,
    /// Of these, those of answers that say no or that something is wrong, with a status from 400 on.
    /// A server that has too much to do shall say so soon.
    pub refused: Histogram<u64>,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            answers: 0,
            statuses: BTreeMap::new(),
            problems: BTreeMap::new(),
            broken: BTreeMap::new(),
            not_sent: 0,
            latency: histogram(),
            service: histogram(),
            refused: histogram(),
        }
    }

    /// Counts one thing that was asked for, by its status and problem.
    pub fn count(&mut self, status: u16, problem: Option<&str>) {
        *self.statuses.entry(status).or_default() += 1;
        let Some(problem) = problem else { return };
        // Names come from the server; nobody says how many it has.
        let is_full = self.problems.len() >= MOST_NAMES && !self.problems.contains_key(problem);
        let name = if is_full { "(others)" } else { problem };
        match self.problems.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.problems.insert(name.to_owned(), 1);
            }
        }
    }

    /// How many things that were asked for have a status from `from` up to, not including, `to`.
    pub fn with_status(&self, from: u16, to: u16) -> u64 {
        self.statuses.range(from..to).map(|(_, count)| count).sum()
    }

    /// How many requests have no answer.
    pub fn broken(&self) -> u64 {
        self.broken.values().sum()
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.not_sent += other.not_sent;
        for (&status, count) in &other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (name, count) in &other.problems {
            *self.problems.entry(name.clone()).or_default() += count;
        }
        for (&what, count) in &other.broken {
            *self.broken.entry(what).or_default() += count;
        }
        // Both have the same bounds, so nothing of one is too large for the other.
        let _ = self.latency.add(&other.latency);
        let _ = self.service.add(&other.service);
        let _ = self.refused.add(&other.refused);
    }

    /// Counts an answer with this status, and how long it took.
    pub(super) fn answered(&mut self, status: u16, latency: Duration, service: Duration) {
        self.answers += 1;
        self.latency.saturating_record(microseconds(latency));
        self.service.saturating_record(microseconds(service));
        if status >= FIRST_REFUSAL {
            self.refused.saturating_record(microseconds(service));
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[expect(clippy::expect_used, reason = "constants decide it")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_MICROSECONDS, DIGITS).expect("the bounds are sound")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut tally = Tally::new();
        tally.count(201, None);
        tally.answered(201, Duration::from_millis(5), Duration::from_millis(1));
        let mut other = Tally::new();
        other.count(409, Some("already_redeemed"));
        other.answered(409, Duration::from_secs(3600), Duration::ZERO);
        other.broken.insert("lost", 2);
        other.not_sent = 3;
        tally.add(&other);
        tally.add(&other);
        assert_eq!((tally.answers, tally.broken(), tally.not_sent), (3, 4, 6));
        assert_eq!((tally.with_status(200, 300), tally.with_status(400, 600)), (1, 2));
        assert_eq!(tally.problems.get("already_redeemed"), Some(&2));
        assert_eq!((tally.latency.len(), tally.service.len(), tally.refused.len()), (3, 3, 2));
        assert!(tally.latency.value_at_quantile(0.3).abs_diff(5000) < 10);
        assert!(tally.latency.max() >= LONGEST_MICROSECONDS, "what is longer counts as longest");
    }

    #[test]
    fn names_are_bounded() {
        let mut tally = Tally::new();
        for name in 0..1000 {
            tally.count(400, Some(&name.to_string()));
        }
        assert_eq!(tally.problems.len(), MOST_NAMES + 1);
        assert_eq!(tally.problems.values().sum::<u64>(), 1000);
    }
}
