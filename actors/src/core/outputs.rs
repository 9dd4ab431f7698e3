//! What a core wants done: frames for the journal, answers, records for the ledger.

use std::sync::Arc;

use redeemd_domain::machine::Machine;

use super::answer::{Answer, Token};

/// Names a frame that was given to the journal, so that a late answer about one is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameTicket(pub u64);

/// Entries to be appended to the journal.
#[derive(Debug)]
pub struct FrameProposal {
    /// Which frame it is.
    pub ticket: FrameTicket,
    /// The number of its first entry.
    pub first: u64,
    /// How many entries it has, at least one.
    pub count: u32,
    /// The entries, as [`entry::encode`](redeemd_domain::entry::encode) writes them.
    pub payload: Vec<u8>,
}

/// What happened between two numbers of a sequence, for the ledger: records, in order, of those
/// entries that changed something.
#[derive(Debug)]
pub struct Applied<M: Machine> {
    /// The first entry that was applied.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// What came of them.
    pub records: Vec<Arc<M::Record>>,
}

/// What is to be done. Whoever drives a core empties it.
#[derive(Debug)]
pub struct Outputs<M: Machine> {
    /// Frames for the journal, in order.
    pub frames: Vec<FrameProposal>,
    /// Answers, each to be given once.
    pub answers: Vec<(Token, Answer<M>)>,
    /// Records for the ledger, in order.
    pub applied: Vec<Applied<M>>,
}

impl<M: Machine> Default for Outputs<M> {
    fn default() -> Self {
        Self { frames: Vec::new(), answers: Vec::new(), applied: Vec::new() }
    }
}
