//! What can go wrong with a backup, each in one line.

use std::io;

use redeemd_domain::sequence::SequenceId;

use crate::{disk, journal, ledger, snapshot};

/// A shorthand for what operations on backups return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a backup cannot be made, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The journal cannot be read or made.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The backup cannot be written to where it goes.
    #[error("cannot write the backup: {0}")]
    Output(io::Error),
    /// The backup cannot be read.
    #[error("cannot read the backup at byte {offset}: {source}")]
    Input {
        /// How far it was read.
        offset: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// A sequence could not be brought back from it.
    #[error(
        "a backup would be of no use: no snapshot of {sequence} that reads goes with its journal, \
         which begins at entry {first}"
    )]
    Incomplete {
        /// The sequence.
        sequence: SequenceId,
        /// The first entry in the journal.
        first: u64,
    },
    /// It ends before its end.
    #[error("the backup is cut off at byte {offset}, in {entry}; take another one")]
    CutOff {
        /// How many bytes there are.
        offset: u64,
        /// The entry in which it ends, or the place between two.
        entry: String,
    },
    /// It is not what was written.
    #[error("the backup is damaged in {entry}, before byte {offset}: {what}; take another one")]
    Damaged {
        /// The entry.
        entry: String,
        /// How far it was read when that was seen.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// It is something else.
    #[error("this is no backup of redeemd: {0}")]
    Foreign(String),
    /// A newer program made it.
    #[error("the backup has format {found}, and this redeemd knows {supported}; use a newer one")]
    Newer {
        /// The format that was found.
        found: u16,
        /// The newest that is known.
        supported: u16,
    },
}
