//! What a command says while it goes on: a bar on a terminal, and a line for what is done.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Something that takes a while.
pub(super) struct Progress {
    what: &'static str,
    total: u64,
    begun: Instant,
    bar: ProgressBar,
}

impl Progress {
    /// Begins something of so many steps.
    pub(super) fn begin(what: &'static str, total: u64) -> Self {
        let bar = match io::stderr().is_terminal() {
            true => ProgressBar::new(total).with_message(what),
            false => ProgressBar::hidden(),
        };
        let style = "{msg:24} [{bar:40}] {human_pos}/{human_len} {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { what, total, begun: Instant::now(), bar }
    }

    /// Begins something of so many bytes; of any number, where that is not known.
    pub(super) fn bytes(what: &'static str, total: Option<u64>) -> Self {
        let progress = Self::begin(what, total.unwrap_or(0));
        let style = match total {
            Some(_) => "{msg:24} [{bar:40}] {bytes}/{total_bytes} {elapsed}",
            None => "{msg:24} {bytes} {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(style) {
            progress.bar.set_style(style.progress_chars("=> "));
        }
        progress
    }

    /// So many steps are done.
    pub(super) fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Says something in between.
    pub(super) fn note(&self, note: fmt::Arguments<'_>) -> io::Result<()> {
        self.bar.suspend(|| say(format_args!("  {note}")))
    }

    /// It is over, done or not; gives how long it took, and says nothing.
    pub(super) fn clear(self) -> Duration {
        self.bar.finish_and_clear();
        self.begun.elapsed()
    }

    /// All is done; gives how long it took.
    pub(super) fn end(self) -> io::Result<Duration> {
        let took = self.begun.elapsed();
        self.bar.finish_and_clear();
        let Self { what, total, .. } = self;
        say(format_args!("{what}: {} in {:.1} s", Grouped(total), took.as_secs_f64()))?;
        Ok(took)
    }
}

/// Writes a line to standard output.
pub(super) fn say(line: fmt::Arguments<'_>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

/// Shows a number with its digits in groups of three.
pub(super) struct Grouped(pub u64);

impl fmt::Display for Grouped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        formatter.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(Grouped(number).to_string(), text);
        }
        assert_eq!(format!("{:>7}", Grouped(1000)), "  1,000");
    }
}
