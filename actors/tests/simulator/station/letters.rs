//! What travels between the parts: who asks, what the journal is given and what it answers.

use std::fmt;

use redeemd_actors::core::{FrameProposal, FrameTicket, PortId, Token};
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::journal::Reader;

use crate::oracle::ClientAnswer;

/// The port of those who send what carries no attempt.
pub(crate) const HOUSEHOLD: PortId = PortId(u32::MAX);

/// The port of the clients; the ticket is the attempt.
pub(crate) const CLIENTS: PortId = PortId(0);

/// The port of the clients for the steps on the way to an attempt.
pub(crate) const STEPS: PortId = PortId(1);

/// The port of the node's own bookkeeping.
pub(crate) const BOOKS: PortId = PortId(2);

/// Answers that have left a core.
pub(crate) type Answers = Vec<(Token, ClientAnswer)>;

/// A frame on its way to the journal.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) sequence: SequenceId,
    /// Which of the sequence's cores wants to know what becomes of it.
    pub(crate) incarnation: u64,
    pub(crate) proposal: FrameProposal,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JournalAnswer {
    Committed(FrameTicket),
    NotAppended(FrameTicket),
    Unknown,
    DiskHasSpace,
}

/// A reader of the journal that was taken behind everything that a dead actor had sent.
pub(crate) struct Fenced(pub(crate) Box<dyn Reader>);

impl fmt::Debug for Fenced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fenced(..)")
    }
}
