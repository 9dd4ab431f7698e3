//! A sequence on its way into the database. A plain value.

use std::time::Duration;

use redeemd_persistence::postgres::Checkpoint;

/// One sequence.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// Where the database stands.
    pub(super) checkpoint: Checkpoint,
    /// How far the ledger durably is.
    pub(super) available: u64,
    /// How far it may be written for the sake of another sequence.
    pub(super) bound: u64,
    pub(super) is_under_way: bool,
    /// When something was last begun to be written.
    pub(super) begun: Duration,
    pub(super) search: Option<Search>,
}

impl Lane {
    /// One of which only that is known where the database stands.
    pub(super) fn new(checkpoint: Checkpoint) -> Self {
        Self {
            checkpoint,
            available: 0,
            bound: u64::MAX,
            is_under_way: false,
            begun: Duration::ZERO,
            search: None,
        }
    }

    /// How far it can be written now.
    pub(super) fn writable(&self) -> u64 {
        self.available.min(self.bound)
    }
}

/// The search for an outcome that the database refuses.
#[derive(Clone, Debug)]
pub(super) struct Search {
    /// How many outcomes the next batch may have.
    pub(super) limit: usize,
    /// Why the next one is refused, once it is known to be the one.
    pub(super) reason: Option<String>,
}
