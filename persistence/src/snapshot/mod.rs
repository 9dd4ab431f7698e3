//! Snapshots: the state of a sequence at one of its entries, in one file.
//!
//! A snapshot saves replaying; it never decides anything. It is written under another name, synced,
//! and given its name only when the ledger durably covers it ([`Draft::publish`]), so that a
//! snapshot that can be found is complete and counts. Two are kept for each sequence, and the
//! journal keeps all entries after the older one, so that a damaged snapshot costs time and
//! nothing else. What the sections mean is for the owner of the state to know.

mod format;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use crate::disk::{self, Disk};
use crate::journal::DirectoryId;

pub use reader::OpenSnapshot;
pub use writer::Draft;

const FOLDER: &str = "snapshots";
const SUFFIX: &str = ".snapshot";
const DRAFT_SUFFIX: &str = ".partial";
const DAMAGED_SUFFIX: &str = ".damaged";

/// How many snapshots of each sequence are kept.
pub const KEPT: usize = 2;

/// Why a snapshot cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// The file is not what was written.
    #[error("{path} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file, relative to the data directory.
        path: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The file is of a newer version, or of another data directory or sequence.
    #[error("{path} {what}")]
    Foreign {
        /// The file, relative to the data directory.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The owner of the state does not accept a section.
    #[error("{path}: {what}")]
    Rejected {
        /// The file, relative to the data directory.
        path: String,
        /// What the owner says.
        what: String,
    },
}

/// A shorthand for what snapshot operations return.
pub type Result<T> = std::result::Result<T, Error>;

/// The snapshots of a data directory.
#[derive(Clone, Debug)]
pub struct Snapshots {
    disk: Arc<dyn Disk>,
    directory: DirectoryId,
}

impl Snapshots {
    /// The snapshots in the folder `snapshots` of a disk. Drafts that a crash left are removed.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(disk: Arc<dyn Disk>, directory: DirectoryId) -> Result<Self> {
        disk.create_folder(FOLDER)?;
        disk.sync_folder("")?;
        for name in disk.list(FOLDER)? {
            if name.ends_with(DRAFT_SUFFIX) {
                disk.remove(&format!("{FOLDER}/{name}"))?;
            }
        }
        Ok(Self { disk, directory })
    }

    /// The snapshots of a disk that nothing is to be changed on: nothing is made or removed.
    pub fn look_at(disk: Arc<dyn Disk>, directory: DirectoryId) -> Self {
        Self { disk, directory }
    }

    /// The entries at which there are snapshots of a sequence, newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self, sequence: SequenceId) -> Result<Vec<u64>> {
        let prefix = format!("{sequence}-");
        let names = match self.disk.list(FOLDER) {
            Err(error) if error.source.kind() == ErrorKind::NotFound => Vec::new(),
            names => names?,
        };
        let numbers = names
            .iter()
            .filter_map(|name| name.strip_prefix(&prefix)?.strip_suffix(SUFFIX)?.parse().ok());
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable_by(|one, two| two.cmp(one));
        Ok(numbers)
    }

    /// Puts a snapshot that does not read out of the way, under another name for whoever wants to
    /// look at it: it must not count as one of those that are kept.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn set_aside(&self, sequence: SequenceId, number: u64) -> Result<()> {
        let path = path(sequence, number);
        self.disk.rename(&path, &format!("{path}{DAMAGED_SUFFIX}"))?;
        self.disk.sync_folder(FOLDER)?;
        Ok(())
    }

    /// Removes all but the [`KEPT`] newest snapshots of a sequence. Returns the entry up to which
    /// the journal is no longer needed: that of the oldest kept, or `None` while there are fewer.
    ///
    /// # Errors
    /// When the disk fails. What could not be removed is removed the next time.
    pub fn prune(&self, sequence: SequenceId) -> Result<Option<u64>> {
        let numbers = self.list(sequence)?;
        let mut removed = false;
        for &number in numbers.iter().skip(KEPT) {
            self.disk.remove(&path(sequence, number))?;
            removed = true;
        }
        if removed {
            self.disk.sync_folder(FOLDER)?;
        }
        Ok(numbers.get(KEPT - 1).copied())
    }
}

fn path(sequence: SequenceId, number: u64) -> String {
    format!("{FOLDER}/{sequence}-{number:020}{SUFFIX}")
}
