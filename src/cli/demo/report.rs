//! What the demonstration did and found, as a table.

use std::fmt;
use std::time::Duration;

use super::check::Findings;
use super::load::Load;
use crate::cli::arguments::Demo;
use crate::cli::progress::Grouped;

/// The most faults that are named.
const MOST_FAULTS: usize = 20;

/// What was done and found. `Display` writes the table.
pub(super) struct Report<'a> {
    /// What was asked for.
    pub demo: &'a Demo,
    /// How long issuing took.
    pub issued_in: Duration,
    /// How long redeeming took, the restart with it.
    pub redeemed_in: Duration,
    /// How long the look back took.
    pub checked_in: Duration,
    /// The disk's rate just before.
    pub syncs_a_second: f64,
    /// What the clients were told.
    pub load: &'a Load,
    /// What the look back found.
    pub findings: &'a Findings,
}

impl Report<'_> {
    /// Whether everything was as it should be.
    pub(super) fn is_fine(&self) -> bool {
        let Self { demo, load, findings, .. } = self;
        findings.checked == demo.redemptions
            && load.refused == demo.redemptions.div_ceil(10)
            && (findings.lost, findings.redeemed_twice) == (0, 0)
            && load.faults.is_empty()
            && findings.faults.is_empty()
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { demo, load, findings, .. } = self;
        let mut row = |name: &str, count: u64, more: String| {
            let row = format!("{name:<28} {:>9}  {more}", Grouped(count));
            writeln!(formatter, "{}", row.trim_end())
        };
        let rate = |count: u64, time: Duration| {
            let rate = Grouped((count as f64 / time.as_secs_f64().max(1e-9)) as u64);
            format!("in {:.2} s, {rate} a second", time.as_secs_f64())
        };
        let answered = load.answers.len() as u64;
        let [median, high] = [50, 99].map(|percent| percentile(&load.latencies, percent));
        let cut_off = load.cut_off;
        let all_cut_off = cut_off.had_happened + cut_off.happened_then + cut_off.refused;

        row("codes issued", demo.codes, rate(demo.codes, self.issued_in))?;
        row(
            "redemptions answered",
            answered,
            format!(
                "{}, {} clients, restart included",
                rate(answered, self.redeemed_in),
                demo.clients
            ),
        )?;
        row("  half of them within", median, format!("µs; 99 of 100 within {} µs", Grouped(high)))?;
        row("  tried by somebody else", load.refused, "refused: already_redeemed".to_owned())?;
        row(
            "requests cut off by kill -9",
            all_cut_off,
            format!(
                "sent again: {} had happened (same answer), {} happened then, {} refused",
                cut_off.had_happened, cut_off.happened_then, cut_off.refused
            ),
        )?;
        row("back after the kill", load.restart.as_millis() as u64, "ms".to_owned())?;
        row("redemptions checked", findings.checked, rate(findings.checked, self.checked_in))?;
        row("lost", findings.lost, String::new())?;
        row("redeemed twice", findings.redeemed_twice, String::new())?;
        row("fdatasync of this disk", self.syncs_a_second as u64, "a second".to_owned())?;

        let faults: Vec<_> = load.faults.iter().chain(&findings.faults).collect();
        for fault in faults.iter().take(MOST_FAULTS) {
            writeln!(formatter, "WRONG: {fault}")?;
        }
        if faults.len() > MOST_FAULTS {
            writeln!(formatter, "WRONG: and {} more", faults.len() - MOST_FAULTS)?;
        }
        let verdict = if self.is_fine() { "Every answer held." } else { "NOT every answer held." };
        write!(formatter, "{verdict}")
    }
}

/// The duration within which so many of 100 are, in microseconds.
fn percentile(durations: &[Duration], percent: usize) -> u64 {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).map_or(0, |duration| duration.as_micros() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let durations: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!([50, 99, 100].map(|percent| percentile(&durations, percent)), [100, 198, 200]);
        assert_eq!(percentile(&[], 99), 0);
    }
}
