//! What a load did, for people and for programs.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::cli::progress::Grouped;
use crate::load::{Load, Outcome, Pace};

/// The parts of the answers whose times are reported.
const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];

/// What was asked for, and what came of it. `Display` writes it for people.
pub(super) struct Report<'a> {
    /// The load.
    pub load: &'a Load,
    /// How many redemptions a request had, if they came in batches.
    pub batch: Option<u16>,
    /// What came of it.
    pub outcome: &'a Outcome,
}

/// Shows a time, given in microseconds, with three digits.
pub(super) struct Time(pub u64);

impl Report<'_> {
    /// Whether anything that was asked for was carried out.
    pub(super) fn is_any_success(&self) -> bool {
        self.outcome.tally.with_status(200, 300) > 0
    }

    /// All of it, for programs. Times are in microseconds.
    pub(super) fn json(&self) -> Value {
        let Self { load, outcome, .. } = self;
        let tally = &outcome.tally;
        let rate = match load.pace {
            Pace::Closed => None,
            Pace::Open { rate, .. } => Some(rate),
        };
        json!({
            "server": load.target.to_string(),
            "connections": load.connections,
            "threads": load.threads,
            "rate": rate,
            "batch": self.batch,
            "duration_seconds": load.duration.as_secs_f64(),
            "elapsed_seconds": outcome.elapsed.as_secs_f64(),
            "offered": outcome.offered,
            "answered": tally.answers,
            "not_sent": tally.not_sent,
            "broken": tally.broken(),
            "ran_out_of_codes": outcome.ran_out,
            "answers_per_second": self.per_second(tally.answers),
            "successes_per_second": self.per_second(tally.with_status(200, 300)),
            "latency_microseconds": times(&tally.latency),
            "service_microseconds": times(&tally.service),
            "refused_microseconds": times(&tally.refused),
            "statuses": tally.statuses,
            "problems": tally.problems,
            "errors": tally.broken,
        })
    }

    fn per_second(&self, count: u64) -> f64 {
        let rate = count as f64 / self.outcome.elapsed.max(Duration::from_micros(1)).as_secs_f64();
        (rate * 10.0).round() / 10.0
    }

    fn pace(&self) -> String {
        match self.load.pace {
            Pace::Closed => "closed loop".to_owned(),
            Pace::Open { rate, .. } => format!("open loop, {rate} requests a second"),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, batch, outcome } = self;
        let tally = &outcome.tally;
        let mut row = |name: &str, text: String| writeln!(formatter, "{name:<14}{text}");
        let (connections, threads) = (load.connections, load.threads);
        let mut shape = format!("{}, connections: {connections}, threads: {threads}", self.pace());
        if let Some(batch) = batch {
            shape += &format!(", in batches of {batch}");
        }
        row("server", load.target.to_string())?;
        row("load", shape)?;
        let mut requests = match outcome.offered {
            Some(offered) => format!("{} due, ", Grouped(offered)),
            None => String::new(),
        };
        requests += &format!("{} answered", Grouped(tally.answers));
        if outcome.offered.is_some() {
            requests += &format!(", {} not sent in time", Grouped(tally.not_sent));
        }
        requests += &format!(", {} without an answer", Grouped(tally.broken()));
        row("requests", requests)?;
        let answers = Grouped(self.per_second(tally.answers) as u64);
        let successes = Grouped(self.per_second(tally.with_status(200, 300)) as u64);
        let seconds = outcome.elapsed.as_secs_f64();
        row("rate", format!("{answers} answers/s, {successes} successes/s, for {seconds:.1} s"))?;
        row("latency", line(&tally.latency))?;
        if outcome.offered.is_some() {
            row("from sending", line(&tally.service))?;
        }
        if !tally.refused.is_empty() {
            row("refusals", line(&tally.refused))?;
        }
        for (status, count) in &tally.statuses {
            row(&format!("  {status}"), Grouped(*count).to_string())?;
        }
        let problems = tally.problems.iter().map(|(name, count)| (name.as_str(), count));
        for (name, count) in problems.chain(tally.broken.iter().map(|(name, count)| (*name, count)))
        {
            row("", format!("{} {}", Grouped(*count), name.replace(char::is_control, " ")))?;
        }
        if outcome.ran_out {
            row("note", "the codes ran out before the time".to_owned())?;
        }
        write!(formatter, "{}", self.verdict())
    }
}

impl Report<'_> {
    fn verdict(&self) -> &'static str {
        let Outcome { tally, .. } = self.outcome;
        match (self.is_any_success(), tally.not_sent) {
            (false, _) => "Nothing was carried out.",
            (true, 0) => "Done.",
            (true, _) => "The server, or the connections to it, did not keep up with the rate.",
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.0 as f64;
        let text = match self.0 {
            0..1_000 => format!("{} µs", self.0),
            1_000..10_000 => format!("{:.2} ms", microseconds / 1e3),
            10_000..100_000 => format!("{:.1} ms", microseconds / 1e3),
            100_000..1_000_000 => format!("{:.0} ms", microseconds / 1e3),
            _ => format!("{:.2} s", microseconds / 1e6),
        };
        formatter.pad(&text)
    }
}

fn line(times: &Histogram<u64>) -> String {
    let mut parts: Vec<_> = QUANTILES
        .iter()
        .map(|(name, part)| format!("{name} {}", Time(times.value_at_quantile(*part))))
        .collect();
    parts.push(format!("max {}", Time(times.max())));
    parts.join(", ")
}

fn times(times: &Histogram<u64>) -> Value {
    let mut object: serde_json::Map<_, _> = QUANTILES
        .iter()
        .map(|(name, part)| ((*name).to_owned(), times.value_at_quantile(*part).into()))
        .collect();
    object.insert("max".to_owned(), times.max().into());
    object.insert("mean".to_owned(), times.mean().round().into());
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_with_three_digits() {
        for (microseconds, text) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_234, "1.23 ms"),
            (12_345, "12.3 ms"),
            (123_456, "123 ms"),
            (1_234_567, "1.23 s"),
        ] {
            assert_eq!(Time(microseconds).to_string(), text);
        }
    }
}
