//! Shows how far something is: a bar on a terminal, and nothing otherwise.

use crate::application::offline::Progress;
use crate::cli::progress;

/// Shows one thing after another.
#[derive(Default)]
pub(super) struct Meter {
    bar: Option<progress::Progress>,
    done: u64,
}

impl Meter {
    /// Clears the terminal.
    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.clear();
        }
    }
}

impl Progress for Meter {
    fn begin(&mut self, what: &'static str, bytes: u64) {
        if let Some(bar) = self.bar.replace(progress::Progress::bytes(what, Some(bytes))) {
            bar.clear();
        }
        self.done = 0;
    }

    fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        if let Some(bar) = &self.bar {
            bar.set(self.done);
        }
    }
}
