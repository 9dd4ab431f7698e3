//! Why something cannot be done with a data directory, in one line.

use std::io;
use std::path::PathBuf;

use redeemd_persistence::{backup, data_directory, disk, journal, ledger, postgres, snapshot};

/// Why something cannot be done with a data directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be used.
    #[error(transparent)]
    Directory(#[from] data_directory::Error),
    /// It cannot be brought back as a server would.
    #[error(transparent)]
    Application(#[from] super::super::Error),
    /// Its journal cannot be read or made.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Its ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// A backup cannot be taken or restored.
    #[error(transparent)]
    Backup(#[from] backup::Error),
    /// The database refused, or is not there.
    #[error("the database: {0}")]
    Database(#[from] postgres::Error),
    /// The operating system refused something else.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// With what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A folder that should be empty is not.
    #[error("{0} is not empty; name a folder that is empty or not there yet")]
    NotEmpty(PathBuf),
    /// Something is in the way of a restore or a rebuild.
    #[error("{0} is in the way, and no restore or rebuild left it there; remove or rename it")]
    InTheWay(PathBuf),
    /// There is too little room for a copy.
    #[error(
        "sled writes whenever it is opened, so its journal is looked at in a copy: that needs \
         {needed} bytes in {folder}, and {free} are free"
    )]
    NoRoomForCopy {
        /// Where the copy would be.
        folder: PathBuf,
        /// What it would take.
        needed: u64,
        /// What is free.
        free: u64,
    },
    /// It cannot be done.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// What the operating system refused.
    pub(super) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { operation, path, source }
    }
}
