//! The disk as the stores see it: files with positioned reads and writes, and explicit syncs.
//!
//! Journal, ledger and snapshots reach the disk only through [`Disk`] and [`File`], so that a
//! simulator can own every byte: lose what was not synced, tear it, reorder it, or fail.
//!
//! What the contract promises, and all that it promises:
//! - bytes written to a file are durable once [`File::sync_data`] returned `Ok`;
//! - a created, renamed or removed name is durable once [`Disk::sync_folder`] of its folder
//!   returned `Ok`;
//! - before that, after a power cut, any subset of the unsynced 512-byte sectors may be there;
//! - after a failed sync nothing is known any more, and the sync must not be retried: kernels drop
//!   the dirty pages and report success the next time (the PostgreSQL "fsyncgate" of 2018).

mod courtesy;
mod portions;
pub mod private;
mod real;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;

pub use courtesy::Courtesy;
pub(crate) use portions::{PIECE_BYTES, PORTION_BYTES, Portions, write_in_pieces};
pub use real::RealDisk;

use std::fmt;
use std::io;
use std::sync::Arc;

/// What went wrong with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {path}: {source}")]
pub struct Error {
    /// What was tried, as a verb: `read`, `write`, `sync`, …
    pub operation: &'static str,
    /// The file or folder, relative to the disk's root.
    pub path: String,
    /// What the operating system said.
    pub source: io::Error,
}

impl Error {
    /// Whether the disk, or a quota, is full.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// A shorthand for what disk operations return.
pub type Result<T> = std::result::Result<T, Error>;

/// A folder of files. Paths are relative to its root and separated by `/`.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> Result<Arc<dyn File>>;

    /// Creates a file that must not exist yet. Its name is durable after [`Disk::sync_folder`].
    fn create(&self, path: &str) -> Result<Arc<dyn File>>;

    /// Gives a file another name, replacing a file that has it. Atomic.
    fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file.
    fn remove(&self, path: &str) -> Result<()>;

    /// The names of the files in a folder (not of its subfolders), sorted.
    fn list(&self, folder: &str) -> Result<Vec<String>>;

    /// Creates a folder, and those above it, where they do not exist.
    fn create_folder(&self, folder: &str) -> Result<()>;

    /// Makes the names in a folder durable. The empty path is the root.
    fn sync_folder(&self, folder: &str) -> Result<()>;

    /// How many bytes may still be written.
    fn free_bytes(&self) -> Result<u64>;
}

/// An open file. It may be read by several threads while one writes it.
pub trait File: Send + Sync + fmt::Debug {
    /// Reads into `buffer` from `offset`; returns how many bytes were there, which is less than
    /// the buffer's length only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes all of `bytes` at `offset`, extending the file where needed. Not durable yet.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// Makes everything written so far durable, the file's length included.
    fn sync_data(&self) -> Result<()>;

    /// The file's length in bytes.
    fn length(&self) -> Result<u64>;

    /// Cuts or extends the file (with zeros) to a length.
    fn set_length(&self, length: u64) -> Result<()>;
}
