//! Comparing the tables with what outcomes leave in them, row by row and column by column.
//!
//! The outcomes stand in the database, too. Whoever compares knows from elsewhere that they are what
//! a server says, and makes rows of them as the projector does; here these are compared with the
//! rows that there are. Rows are read in portions, by where in their sequence they happened: every
//! row of a sequence, whatever it says, lies in exactly one portion. What lies in none is looked for
//! at the end ([`strays`]). Each portion is read as it was at one moment.

mod comparer;
mod control;
mod counts;
mod difference;
mod holds;
mod lookups;
mod reading;
mod rollbacks;
mod sent;
mod strays;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use redeemd_domain::control::Event;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::timestamp::Timestamp;

pub use comparer::Comparer;
pub use counts::{Counted, Counts};
pub use difference::{Columns, Difference, ShownValue};

use super::rows::Rows;

/// The last outcome of a sequence that was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its entry.
    pub number: u64,
    /// When it happened.
    pub at: Timestamp,
}

/// Entries of one sequence that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The sequence.
    pub sequence: SequenceId,
    /// The outcome before them; `None` where they begin with the first entry.
    pub after: Option<Mark>,
    /// The last of them.
    pub through: u64,
    /// When that one happened; `None` where nothing is there after it, so that no row is later.
    pub until: Option<Timestamp>,
}

/// An outcome as the database keeps it.
#[derive(Clone, Debug)]
pub struct KeptOutcome {
    /// Its entry.
    pub position: Position,
    /// Its bytes in the ledger.
    pub record: Vec<u8>,
    /// Where it was set aside: its bytes as they were set aside, and when it happened.
    pub set_aside: Option<(Vec<u8>, Timestamp)>,
}

/// The rows that outcomes leave, by sequence. Outcomes that say something else in the database than
/// elsewhere leave nothing here: rows of theirs are not compared.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Of those that are there.
    pub rows: BTreeMap<SequenceId, Rows>,
    /// Of those that were set aside. Their rows must not be there.
    pub set_aside: BTreeMap<SequenceId, Rows>,
    /// The records of the control sequence that withhold something, by their entries.
    pub withholding: BTreeMap<u64, Event>,
    /// Entries whose rows are not compared.
    pub left_out: BTreeSet<Position>,
}

/// What understands outcomes: their rows are made by the projector's own renderer, and whoever
/// compares decides which of them are to be believed.
pub trait Rendering {
    /// Takes all outcomes of a portion. It may be asked for the same portion again, where reading it
    /// did not succeed.
    fn portion(&mut self, outcomes: &[KeptOutcome]) -> Rendered;

    /// Adds the rows of any other outcome; none where it does not read.
    fn rows(&self, outcome: &KeptOutcome, rows: &mut Rows);
}
