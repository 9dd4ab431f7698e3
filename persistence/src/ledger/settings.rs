//! What the owner of a ledger chooses.

use crate::disk::{Courtesy, PORTION_BYTES};

/// How a ledger is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The identity of the data directory; every file and block carries it.
    pub directory_id: [u8; 16],
    /// Random bytes for the hash of the index keys. Used when the ledger is made; afterwards the
    /// key that the log's files carry is the one that counts.
    pub hash_key: [u8; 16],
    /// The length in bytes at which a log file is closed and the next one begun. At most 2 GiB.
    pub file_bytes: u64,
    /// Of the log, so many bytes at a time are written ahead of their commit, so that no sync has
    /// much to do.
    pub portion_bytes: usize,
    /// How many index entries of 16 bytes gather in memory before they are written as a run.
    pub index_batch_entries: usize,
    /// The memory in bytes for the filters of the index. Without it they are read from the files.
    pub cache_bytes: u64,
    /// How the writer treats others; a handle by which its owner says that it has to catch up.
    pub courtesy: Courtesy,
}

impl Settings {
    /// The defaults: files of 256 MiB, portions of 512 KiB, 3 MiB of index entries in memory, 64 MiB of cache.
    pub fn new(directory_id: [u8; 16], hash_key: [u8; 16]) -> Self {
        Self {
            directory_id,
            hash_key,
            file_bytes: 256 << 20,
            portion_bytes: PORTION_BYTES,
            index_batch_entries: 192 << 10,
            cache_bytes: 64 << 20,
            courtesy: Courtesy::default(),
        }
    }
}
