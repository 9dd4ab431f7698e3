//! What can go wrong with the ledger, in words for the person who has to act.

use redeemd_domain::sequence::SequenceId;

use crate::disk;

/// A shorthand for what ledger operations return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the ledger could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk failed. After a failed write or sync the ledger takes nothing more.
    #[error(transparent)]
    Disk(#[from] disk::Error),

    /// There is too little room on the disk. What was appended stays in memory, and it may be tried
    /// again.
    #[error("it needs {needed_bytes} bytes of its disk, and {free_bytes} are free")]
    NoSpace {
        /// What is free.
        free_bytes: u64,
        /// What should be.
        needed_bytes: u64,
    },

    /// Primary data is damaged: what was durable cannot be read any more.
    #[error(
        "the ledger is damaged in {path} at byte {offset}: {reason}; see whether `journal salvage` \
         brings back what is lost, or restore a backup"
    )]
    DamagedLog {
        /// The file, relative to the disk's root.
        path: String,
        /// The byte at which the damaged block or header begins.
        offset: u64,
        /// What was expected and what was found, with sequence and number where they are known.
        reason: String,
    },

    /// A derived file is damaged. [`super::Ledger::maintain`] and the next open rebuild it.
    #[error("the ledger's derived file {path} is damaged at byte {offset}: {reason}")]
    DamagedIndex {
        /// The file, relative to the disk's root.
        path: String,
        /// The byte at which the damaged part begins.
        offset: u64,
        /// What was expected and what was found.
        reason: String,
    },

    /// The log ends before what the index has seen durable: its end was lost.
    #[error(
        "the ledger's log ends at block {log_end}, but {path} covers blocks up to {index_end}: the \
         log's end is lost; see whether `journal salvage` brings it back, or restore a backup"
    )]
    LogEndLost {
        /// The last block of the log.
        log_end: u64,
        /// The last block that an index file covers.
        index_end: u64,
        /// That index file, relative to the disk's root.
        path: String,
    },

    /// The file was written by a newer version of the server.
    #[error("{path} has format version {version}; this server knows {supported} and older")]
    NewerFormat {
        /// The file, relative to the disk's root.
        path: String,
        /// The version that the file states.
        version: u16,
        /// The newest version that this server knows.
        supported: u16,
    },

    /// The file belongs to another data directory.
    #[error("{path} belongs to another data directory")]
    Foreign {
        /// The file, relative to the disk's root.
        path: String,
    },

    /// A batch does not begin where its sequence ends. Nothing was appended.
    #[error("{sequence} continues at {expected}, but the batch begins at {given}")]
    OutOfOrder {
        /// The batch's sequence.
        sequence: SequenceId,
        /// The number at which the sequence continues.
        expected: u64,
        /// The number at which the batch begins.
        given: u64,
    },

    /// A batch is not one: numbers that do not rise, a record or key count over its limit.
    #[error("a batch cannot take this outcome: {reason}")]
    BadOutcome {
        /// What is wrong with it.
        reason: &'static str,
    },

    /// A write or sync has failed before, so that it is unknown what the disk holds.
    #[error("the ledger takes nothing more, since a write or sync has failed; restart the server")]
    Poisoned,
}

impl Error {
    /// Whether only room was missing, so that nothing is in doubt and it may be tried again. A sync
    /// that failed is never that: nobody knows what the disk has then.
    pub fn is_for_want_of_space(&self) -> bool {
        match self {
            Self::NoSpace { .. } => true,
            Self::Disk(error) => error.is_full() && error.operation != "sync",
            _ => false,
        }
    }
}
