//! How a load goes, on a terminal, second by second.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::report::Time;
use crate::cli::progress::Grouped;
use crate::load::Moment;

/// A line that is written again and again; none where nobody looks.
pub(super) struct Display {
    bar: ProgressBar,
    duration: Duration,
}

impl Display {
    /// Begins.
    pub(super) fn begin(duration: Duration) -> Self {
        let bar = match io::stderr().is_terminal() {
            true => ProgressBar::new(duration.as_secs()),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("{pos:>4}/{len} s  {msg}") {
            bar.set_style(style);
        }
        Self { bar, duration }
    }

    /// Shows the last second.
    pub(super) fn show(&self, moment: &Moment<'_>) {
        let tally = moment.tally;
        let rate = tally.answers as f64 / moment.interval.as_secs_f64().max(1e-9);
        let refused = tally.with_status(300, u16::MAX);
        self.bar.set_position(moment.elapsed.min(self.duration).as_secs());
        self.bar.set_message(format!(
            "{:>9} answers/s  p50 {:>9}  p99 {:>9}  refused {}  broken {}  not sent {}",
            Grouped(rate as u64),
            Time(tally.latency.value_at_quantile(0.5)),
            Time(tally.latency.value_at_quantile(0.99)),
            Grouped(refused),
            Grouped(tally.broken()),
            Grouped(tally.not_sent),
        ));
    }

    /// It is over.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
