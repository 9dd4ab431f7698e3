//! What the rest of the data directory asks of the journal before it may be used.

use redeemd_domain::sequence::SequenceId;

/// What is known of one sequence from elsewhere. A sequence without a requirement has none: all of
/// its stored entries are replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The sequence.
    pub sequence: SequenceId,
    /// The last entry that the newest usable snapshot contains, or 0: replay begins after it, and
    /// the journal must still hold the entry that follows it.
    pub covered: u64,
    /// The highest entry that anything (snapshot, ledger, PostgreSQL) has seen as durable: the
    /// journal must not end before it.
    pub seen: u64,
}
