//! What is counted about Redis.

use std::sync::atomic::{AtomicU64, Ordering};

use super::trouble::Trouble;

/// What is counted about Redis.
#[derive(Debug, Default)]
pub struct Numbers {
    slow: AtomicU64,
    away: AtomicU64,
    refused: AtomicU64,
    elsewhere: AtomicU64,
    busy: AtomicU64,
    announced: AtomicU64,
    not_announced: AtomicU64,
}

impl Numbers {
    /// How often Redis did not answer as it should, by reason.
    pub fn failures(&self) -> [(&'static str, u64); 5] {
        [
            ("slow", read(&self.slow)),
            ("away", read(&self.away)),
            ("refused", read(&self.refused)),
            ("elsewhere", read(&self.elsewhere)),
            ("busy", read(&self.busy)),
        ]
    }

    /// What became of announcements.
    pub fn announcements(&self) -> [(&'static str, u64); 2] {
        [("sent", read(&self.announced)), ("dropped", read(&self.not_announced))]
    }

    pub(super) fn note_trouble(&self, trouble: &Trouble) {
        add(match trouble {
            Trouble::Slow => &self.slow,
            Trouble::Away(_) => &self.away,
            Trouble::Refused(_) => &self.refused,
        });
    }

    pub(super) fn note_elsewhere(&self) {
        add(&self.elsewhere);
    }

    pub(super) fn note_busy(&self) {
        add(&self.busy);
    }

    pub(super) fn note_announced(&self) {
        add(&self.announced);
    }

    pub(super) fn note_not_announced(&self) {
        add(&self.not_announced);
    }
}

fn add(number: &AtomicU64) {
    number.fetch_add(1, Ordering::Relaxed);
}

fn read(number: &AtomicU64) -> u64 {
    number.load(Ordering::Relaxed)
}
