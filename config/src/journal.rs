//! The `[journal]` section: which engine keeps the write-ahead log, and how much disk it may use.

use crate::reader::Reader;

/// The write-ahead log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// What keeps the log.
    pub engine: JournalEngine,
    /// Size of one segment file in bytes, 1 MiB to 1 GiB and a multiple of 4,096; only the segment
    /// engine reads it.
    pub segment_bytes: u64,
    /// Free bytes of the file system below which nothing is appended any more, 0 to 1 PiB.
    pub minimum_free_bytes: u64,
    /// Size of the reserve file in bytes, 0 to 16 GiB; it is given up when the disk is full. 0 means
    /// that there is none.
    pub reserve_bytes: u64,
    /// The most bytes that are written and made durable at once, 64 KiB to 64 MiB and no more than
    /// [`segment_bytes`](Self::segment_bytes).
    pub max_batch_bytes: usize,
}

/// What keeps the write-ahead log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalEngine {
    /// Preallocated segment files of our own.
    Segment,
    /// The embedded database sled.
    Sled,
    /// Memory alone: nothing survives the process. For trials and tests.
    Memory,
}

impl JournalEngine {
    const NAMES: [(&str, Self); 3] =
        [("segment", Self::Segment), ("sled", Self::Sled), ("memory", Self::Memory)];

    /// The name that the settings file uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Sled => "sled",
            Self::Memory => "memory",
        }
    }
}

impl Journal {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        let journal = Self {
            engine: reader.choice("journal.engine", &JournalEngine::NAMES, fallback.engine),
            segment_bytes: reader.integer(
                "journal.segment_bytes",
                1 << 20..=1 << 30,
                fallback.segment_bytes,
            ),
            minimum_free_bytes: reader.integer(
                "journal.minimum_free_bytes",
                0..=1 << 50,
                fallback.minimum_free_bytes,
            ),
            reserve_bytes: reader.integer(
                "journal.reserve_bytes",
                0..=16 << 30,
                fallback.reserve_bytes,
            ),
            max_batch_bytes: reader.integer(
                "journal.max_batch_bytes",
                64 << 10..=64 << 20,
                fallback.max_batch_bytes,
            ),
        };
        if !journal.segment_bytes.is_multiple_of(4_096) {
            reader.refuse("journal.segment_bytes", "a multiple of 4096");
        }
        let sound = reader.is_sound("journal.segment_bytes");
        if sound && journal.max_batch_bytes as u64 > journal.segment_bytes {
            let accepted =
                format!("no more than journal.segment_bytes, which is {}", journal.segment_bytes);
            reader.refuse("journal.max_batch_bytes", &accepted);
        }
        journal
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            engine: JournalEngine::Segment,
            segment_bytes: 64 << 20,
            minimum_free_bytes: 256 << 20,
            reserve_bytes: 32 << 20,
            max_batch_bytes: 4 << 20,
        }
    }
}
