//! The journal: the write-ahead log of all sequences of a node. Nothing is true until it is here.
//!
//! What is stored are *frames*: consecutive entries of one sequence, as opaque bytes. All frames
//! that gathered for one flush make one *block*; blocks are numbered without a gap. The frames of a
//! sequence form a chain of digests, so that no frame can be missing, doubled or out of place
//! without being noticed. Every engine stores the very same blocks:
//! - [`Engine::Memory`] keeps them in memory, for tests;
//! - [`Engine::Segment`] in preallocated files of our own, on any [`Disk`](crate::disk::Disk);
//! - [`Engine::Sled`] as values of a sled database.
//!
//! The journal never looks into a payload: it knows neither commands nor outcomes nor clocks.

mod block;
mod chain;
#[cfg(test)]
mod conformance;
mod error;
mod frame;
mod import;
mod inspect;
mod memory;
mod open;
mod options;
mod requirement;
mod salvage;
mod segment;
mod sled;
mod space;
mod spans;
mod store;
mod verifier;
mod writer;

pub use chain::{ChainDigest, DirectoryId, Tail};
pub use error::{AppendError, Damage, Error, Place, Refusal};
pub use frame::Frame;
pub use import::{Import, Imported};
pub use inspect::inspect;
pub use memory::{MemoryFailure, MemoryStorage};
pub use open::{RecoveryReport, Reserve, TornTail, open};
pub use options::{Engine, Options, Preparation};
pub use requirement::Requirement;
pub use salvage::{Keep, Loss, Rest, assess, rebuild};

use redeemd_domain::sequence::SequenceId;

/// What is called with every frame that is read, in block order.
///
/// An `Err` ends the reading; its text becomes that of [`Error::Rejected`].
pub type FrameVisitor<'a> = dyn FnMut(Frame<'_>) -> Result<(), String> + 'a;

/// What is called with every block that is exported, as it is stored: first the anchor, which says
/// where the journal begins, then the blocks in their order.
///
/// An `Err` ends it; its text becomes that of [`Error::NotPassedOn`].
pub type BlockVisitor<'a> = dyn FnMut(&[u8]) -> Result<(), String> + 'a;

/// Where each sequence stands before the first block of an export, given its anchor; `None` when the
/// bytes are no anchor of this directory.
pub fn anchor_tails(bytes: &[u8], directory: DirectoryId) -> Option<Vec<(SequenceId, Tail)>> {
    let header = block::Header::decode(bytes).ok()?;
    let body = bytes.get(block::HEADER_BYTES..)?;
    let is_anchor = header.kind == block::Kind::Anchor && header.fits(body);
    let chains = block::decode_anchor(body, directory).filter(|_| is_anchor)?;
    Some(chains.tails().collect())
}

/// Waits until no journal is open any more in the data directory at a path. One that was dropped may
/// need a moment, and its folder must not be moved or removed before.
///
/// # Errors
/// When somebody else has it open.
pub fn wait_until_closed(directory: &std::path::Path) -> Result<(), Error> {
    sled::wait_until_closed(&directory.join(sled::FOLDER))
}

/// How many bytes an exported block has, given its first [`BLOCK_HEADER_BYTES`]; `None` when no
/// block begins there.
pub fn block_bytes(header: &[u8]) -> Option<usize> {
    block::Header::decode(header).ok().map(|header| header.block_length())
}

/// How many bytes tell the length of an exported block.
pub const BLOCK_HEADER_BYTES: usize = block::HEADER_BYTES;

/// What [`Journal::append`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The number of the block that holds the frames.
    pub block: u64,
    /// How many bytes that block has.
    pub bytes: u64,
}

/// The write-ahead log. It has one owner, which calls it from one thread; every call may block.
///
/// The contract, which one conformance suite checks for all engines:
/// 1. When [`append`](Journal::append) returns `Ok`, all of its frames are on stable storage, and
///    every later [`open`] finds them, in their order, until they are released.
/// 2. When it returns [`AppendError::NotAppended`], no later `open` finds any of them.
/// 3. When it returns [`AppendError::Unknown`], a later `open` finds a prefix of nothing or all of
///    them: a block is there whole or not at all. The journal refuses everything from then on
///    ([`Refusal::Poisoned`]), since a failed sync cannot be retried; only `open` finds out.
/// 4. The entries of a sequence are numbered from 1 without a gap. A frame that does not follow its
///    sequence's [`tail`](Journal::tail) is refused.
/// 5. `open` finds every acknowledged block or fails. A block that was being written when the power
///    was cut is dropped and reported; a damaged or missing block that is followed by another one
///    is refused, because a block is only written after the one before it was durable.
/// 6. Nothing is ever overwritten that was acknowledged and not released.
///
/// The last acknowledged block, damaged later by the disk itself, cannot be told from one that was
/// torn by a power cut. That is why `open` is told what the snapshots and the ledger have seen.
pub trait Journal: Send {
    /// Makes the frames durable, all in one block, with one write and one sync.
    ///
    /// # Errors
    /// See [`AppendError`]; each case says whether the frames may be there.
    fn append(&mut self, frames: &[Frame<'_>]) -> Result<Appended, AppendError>;

    /// Where a sequence ends: the number of its last entry (0 before the first) and the digest of
    /// its last frame.
    fn tail(&self, sequence: SequenceId) -> Tail;

    /// The most bytes that the frames of one append may take together: the sum of
    /// [`Frame::stored_bytes`].
    fn largest_append(&self) -> u64;

    /// Says up to which entry, inclusively, each sequence is no longer needed. The journal deletes
    /// from its beginning whatever holds no other entries; a sequence that is not named keeps its
    /// last answer. Which entry is then the first is durable before anything is deleted.
    ///
    /// # Errors
    /// After an error the journal is poisoned; nothing that was not released is lost.
    fn release(&mut self, released: &[(SequenceId, u64)]) -> Result<(), Error>;

    /// Does what will be needed soon (another segment), so that no append has to wait for it. To
    /// be called when there is nothing to append; costs nothing when nothing is to be done.
    ///
    /// # Errors
    /// After an error the journal is poisoned. A lack of space is no error here: the append that
    /// needs the space reports it.
    fn prepare(&mut self) -> Result<(), Error>;

    /// How many bytes the journal takes on its disk, about.
    fn stored_bytes(&self) -> u64;

    /// A reader of what is durable now. It may be used by another thread while this journal goes
    /// on, but what is released meanwhile may be missing from it, which it then reports.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn reader(&self) -> Result<Box<dyn Reader>, Error>;

    /// Gives the reserve file's space back to the disk, so that there is room to restart. Does
    /// nothing when it was given up before.
    ///
    /// # Errors
    /// When the file cannot be removed.
    fn give_up_reserve(&mut self) -> Result<(), Error>;

    /// Makes the reserve file again; `false` when there is no room for it yet.
    ///
    /// # Errors
    /// When the disk fails otherwise.
    fn restore_reserve(&mut self) -> Result<bool, Error>;
}

/// Reads frames back while the journal goes on, for an actor that has to be rebuilt.
pub trait Reader: Send {
    /// Visits in order every frame of a sequence that holds an entry after number `after`. The
    /// first of them may begin before; the visitor skips what it has.
    ///
    /// # Errors
    /// [`Error::Released`] when entries after `after` were deleted; otherwise damage.
    fn read(
        &mut self,
        sequence: SequenceId,
        after: u64,
        visit: &mut FrameVisitor<'_>,
    ) -> Result<(), Error>;

    /// Visits all blocks that were durable when this reader was made, in the form that every engine
    /// shares; an [`Import`] makes a journal out of them again. Returns where each sequence ends.
    ///
    /// # Errors
    /// When something was deleted meanwhile, or is damaged; what was visited before was intact.
    fn export(&mut self, visit: &mut BlockVisitor<'_>) -> Result<Vec<(SequenceId, Tail)>, Error>;
}
