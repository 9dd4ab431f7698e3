//! What an engine is: a store for blocks. Everything else about a journal is shared.

use redeemd_domain::sequence::SequenceId;

use super::block::Block;
use super::chain::Chains;
use super::error::{AppendError, Error};
use super::{Reader, RecoveryReport};

/// Keeps blocks in the order of their numbers.
pub(crate) trait Store: Send {
    /// The most bytes that a block, header and body, may have, for anchors of this many sequences.
    fn largest_block(&self) -> usize;

    /// Makes a block durable. `before` are the chains as they were before it.
    fn write(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError>;

    /// Stores a block that need not be durable before [`Store::settle`]: for a journal that is
    /// being made out of another one, on which nobody relies yet.
    fn write_later(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError>;

    /// Makes durable what [`Store::write_later`] stored.
    fn settle(&mut self) -> Result<(), Error>;

    /// See [`Journal::release`](super::Journal::release).
    fn release(&mut self, released: &[(SequenceId, u64)]) -> Result<(), Error>;

    /// See [`Journal::prepare`](super::Journal::prepare).
    fn prepare(&mut self) -> Result<(), Error>;

    /// See [`Journal::stored_bytes`](super::Journal::stored_bytes).
    fn stored_bytes(&self) -> u64;

    /// See [`Journal::reader`](super::Journal::reader).
    fn reader(&self) -> Result<Box<dyn Reader>, Error>;
}

/// What an engine found when it was opened, ready to go on.
pub(crate) struct Opened {
    pub(crate) store: Box<dyn Store>,
    pub(crate) chains: Chains,
    pub(crate) next_block: u64,
    pub(crate) report: RecoveryReport,
}
