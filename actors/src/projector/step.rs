//! What the projector is to do next.

use std::time::Duration;

use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::postgres::Checkpoint;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Look how far the database is.
    Survey,
    /// Write a batch.
    Write(Order),
    /// Look which of the outcomes that were set aside are to be tried again.
    LookAside,
    /// Try one of them again.
    Retry(Retry),
    /// Wait so long, or until something comes of what is under way.
    Wait(Duration),
}

/// A batch to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Of which sequence.
    pub sequence: SequenceId,
    /// Where the database stands.
    pub from: Checkpoint,
    /// The last entry that may be in it.
    pub through: u64,
    /// At how many outcomes, or rows of them, it is full.
    pub limit: usize,
    /// Why its only outcome is to be set aside instead of being written.
    pub set_aside: Option<String>,
}

/// An outcome that was set aside, to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Its entry.
    pub position: Position,
    /// Where the database stands.
    pub from: Checkpoint,
}
