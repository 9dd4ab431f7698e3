//! What a journal is opened with.

use std::path::PathBuf;

use super::chain::DirectoryId;
use super::memory::MemoryStorage;

/// What a journal is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose journal it is. Another directory's journal is refused.
    pub directory: DirectoryId,
    /// Where the blocks are kept.
    pub engine: Engine,
    /// Appends are refused while the disk has less free space than this, in bytes, so that
    /// snapshots and ledger keep room; 0 for no limit.
    pub minimum_free_bytes: u64,
    /// The size of the reserve file, which is given up when the disk is full so that a restart
    /// finds room; 0 for none.
    pub reserve_bytes: u64,
}

impl Options {
    /// 256 MiB.
    pub const DEFAULT_MINIMUM_FREE_BYTES: u64 = 256 << 20;
    /// 32 MiB.
    pub const DEFAULT_RESERVE_BYTES: u64 = 32 << 20;

    /// The default limits for a directory and an engine.
    pub fn new(directory: DirectoryId, engine: Engine) -> Self {
        Self {
            directory,
            engine,
            minimum_free_bytes: Self::DEFAULT_MINIMUM_FREE_BYTES,
            reserve_bytes: Self::DEFAULT_RESERVE_BYTES,
        }
    }
}

/// Where the blocks are kept. A directory keeps the engine that it was made with.
#[derive(Clone, Debug)]
pub enum Engine {
    /// In memory, for tests.
    Memory(MemoryStorage),
    /// In preallocated files in the folder `journal`.
    Segment {
        /// The size of a file in bytes, a multiple of 4,096 and at least
        /// [`Engine::SMALLEST_SEGMENT_BYTES`]. Files of another size stay readable.
        segment_bytes: u64,
        /// Who makes the next file ready.
        preparation: Preparation,
    },
    /// In a sled database of its own.
    Sled {
        /// The folder of its files: `journal/sled` within the data directory.
        folder: PathBuf,
        /// How much memory its cache may take, in bytes.
        cache_bytes: u64,
    },
}

impl Engine {
    /// 64 MiB.
    pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;
    /// 64 KiB; only tests want segments so small.
    pub const SMALLEST_SEGMENT_BYTES: u64 = 64 << 10;

    /// Segments of the default size, made ready by a thread.
    pub const fn segment() -> Self {
        Self::Segment {
            segment_bytes: Self::DEFAULT_SEGMENT_BYTES,
            preparation: Preparation::Background,
        }
    }

    /// sled with a small cache: what is written is not read again before the next start.
    pub fn sled(folder: impl Into<PathBuf>) -> Self {
        Self::Sled { folder: folder.into(), cache_bytes: 64 << 20 }
    }
}

/// Who makes the next segment ready and removes the released ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// A thread, so that no append waits for it.
    Background,
    /// The caller, within `prepare` and `release`; deterministic, for the simulator.
    Inline,
}
