//! What can go wrong with a journal, each in one line: what, where, and what to do.

use std::fmt;

use redeemd_domain::sequence::SequenceId;

use super::chain::DirectoryId;
use crate::disk;

/// Where in a journal something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the data directory; a store's name where it has no files of ours.
    pub file: String,
    /// The byte within the file; for sled, the number of the value within its block.
    pub offset: u64,
    /// The number of the block that is or should be there.
    pub block: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}, block {}", self.file, self.offset, self.block)
    }
}

/// What is wrong with a block. None of it can come from a power cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// There is no block, or its header is unreadable, though later blocks exist.
    #[error("a block is missing or unreadable, though block {later} was written after it")]
    MissingBlock {
        /// The number of a later block that exists.
        later: u64,
    },
    /// A block has another number than follows.
    #[error("block {found} stands where block {expected} belongs")]
    BlockNumber {
        /// The number that follows.
        expected: u64,
        /// The number that is there.
        found: u64,
    },
    /// The body's checksum is wrong, though later blocks exist.
    #[error("the checksum of a block is wrong{}", .frame.map(|(sequence, first)|
        format!(" (first in the frame of {sequence} from entry {first})")).unwrap_or_default())]
    Checksum {
        /// The first damaged frame's sequence and first entry, as far as they can be read.
        frame: Option<(SequenceId, u64)>,
    },
    /// The checksums are right, but the content is not what the format says.
    #[error("a block is malformed")]
    Malformed,
    /// A frame's entries are not the ones that follow.
    #[error("{sequence} continues with entry {found} where {expected} belongs")]
    Gap {
        /// The sequence.
        sequence: SequenceId,
        /// The number that follows.
        expected: u64,
        /// The number that is there.
        found: u64,
    },
    /// A frame was written after another frame than the one that precedes it.
    #[error("the chain of {sequence} is broken before entry {first}")]
    BrokenChain {
        /// The sequence.
        sequence: SequenceId,
        /// The first entry of the frame that does not follow.
        first: u64,
    },
    /// An anchor contradicts the blocks before it, or is missing where one must be.
    #[error("the anchor is missing or contradicts the blocks before it")]
    Anchor,
    /// A whole file is missing.
    #[error("the file is missing, though later ones exist")]
    MissingFile,
}

/// Why a journal cannot be opened, read or kept up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk failed.
    #[error("journal: {0}; check the disk and its permissions")]
    Disk(#[from] disk::Error),
    /// The journal is damaged in a way that no power cut explains.
    #[error(
        "journal is damaged: {damage} ({place}); restore a backup, or see what `journal salvage` would lose"
    )]
    Damaged {
        /// Where.
        place: Place,
        /// What.
        damage: Damage,
    },
    /// The journal belongs to another data directory.
    #[error(
        "journal belongs to directory {found}, not to {expected} ({place}); put the right files back"
    )]
    ForeignDirectory {
        /// Where the other identity was found.
        place: Place,
        /// The identity that was found.
        found: DirectoryId,
        /// The identity of this data directory.
        expected: DirectoryId,
    },
    /// A newer program wrote the journal.
    #[error(
        "journal has format {found}, this program knows up to {supported} ({place}); use the newer program"
    )]
    NewerFormat {
        /// Where the newer format was found.
        place: Place,
        /// The version found.
        found: u16,
        /// The newest version that this program knows.
        supported: u16,
    },
    /// The journal ends before an entry that was durable once.
    #[error(
        "journal of {sequence} ends at entry {last}, but entry {seen} was durable before; restore a backup, or see what `journal salvage` would lose"
    )]
    Shortened {
        /// The sequence.
        sequence: SequenceId,
        /// Its last entry.
        last: u64,
        /// The entry that a snapshot, the ledger or PostgreSQL has seen.
        seen: u64,
    },
    /// Entries that are needed were deleted.
    #[error(
        "journal of {sequence} begins at entry {first}, but entry {needed} is needed; restore the snapshot that belongs to it, or a backup"
    )]
    Released {
        /// The sequence.
        sequence: SequenceId,
        /// The first entry that is still there.
        first: u64,
        /// The entry that is needed.
        needed: u64,
    },
    /// The visitor did not accept a frame.
    #[error("journal entry {sequence}:{first} cannot be applied: {reason}")]
    Rejected {
        /// The sequence.
        sequence: SequenceId,
        /// The first entry of the frame.
        first: u64,
        /// What the visitor said.
        reason: String,
    },
    /// The visitor of exported blocks did not accept one.
    #[error("journal cannot be passed on: {0}")]
    NotPassedOn(String),
    /// sled failed, or panicked.
    #[error("journal in sled, while {doing}: {reason}; restore a backup of {folder}")]
    Sled {
        /// What was being done.
        doing: &'static str,
        /// What sled said.
        reason: String,
        /// The folder of its files.
        folder: String,
    },
    /// An earlier error left the journal in an unknown state.
    #[error("journal is closed after an earlier error; restart the server")]
    Poisoned,
    /// There is no room for an empty journal.
    #[error("journal cannot be made: {0}; free some space")]
    NoSpace(Refusal),
    /// Something in the options cannot be.
    #[error("journal: {0}")]
    Options(String),
}

/// Why frames were not, or perhaps not, appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// They are certainly not in the journal and never will be. The journal goes on.
    #[error("not appended: {0}")]
    NotAppended(Refusal),
    /// They may be in the journal or not; only the next open finds out. The journal is poisoned,
    /// and the process should end.
    #[error("perhaps not appended: {0}")]
    Unknown(Error),
}

/// Why frames were certainly not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The disk has less free space than the configured minimum, or none for the next segment.
    #[error("{free_bytes} bytes are free on the disk, {needed_bytes} are needed")]
    NoSpace {
        /// What is free.
        free_bytes: u64,
        /// What must be.
        needed_bytes: u64,
    },
    /// The frames are larger than one block may be.
    #[error("{bytes} bytes are more than one append may take, {limit}")]
    TooLarge {
        /// What the frames take.
        bytes: u64,
        /// What they may take.
        limit: u64,
    },
    /// A frame does not follow its sequence's tail.
    #[error("{sequence} continues with entry {expected}, not {found}")]
    OutOfOrder {
        /// The sequence.
        sequence: SequenceId,
        /// The number that follows.
        expected: u64,
        /// The number that was given.
        found: u64,
    },
    /// There is no frame, or a frame without entries.
    #[error("there is nothing to append")]
    Empty,
    /// The free space cannot be read.
    #[error("{0}")]
    Disk(String),
    /// An earlier error left the journal in an unknown state.
    #[error("the journal is closed after an earlier error")]
    Poisoned,
}
