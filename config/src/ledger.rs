//! The `[ledger]` section: when records become durable, and what that may cost.

use crate::reader::Reader;

/// The ordered record of outcomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Milliseconds after which what has gathered becomes durable, 10 to 60,000.
    pub commit_interval_ms: u64,
    /// Bytes that may gather before they are made durable without waiting, 64 KiB to 1 GiB.
    pub commit_bytes: usize,
    /// Bytes of memory for the filters of the indexes, 1 MiB to 1 TiB.
    pub cache_bytes: usize,
    /// Size of one file in bytes, 1 MiB to 1 GiB.
    pub file_bytes: u64,
    /// Records that a shard may be ahead of the durable ledger before it slows down, 1,000 to
    /// 100,000,000.
    pub max_lag: u64,
}

impl Ledger {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        Self {
            commit_interval_ms: reader.integer(
                "ledger.commit_interval_ms",
                10..=60_000,
                fallback.commit_interval_ms,
            ),
            commit_bytes: reader.integer(
                "ledger.commit_bytes",
                64 << 10..=1 << 30,
                fallback.commit_bytes,
            ),
            cache_bytes: reader.integer(
                "ledger.cache_bytes",
                1 << 20..=1 << 40,
                fallback.cache_bytes,
            ),
            file_bytes: reader.integer("ledger.file_bytes", 1 << 20..=1 << 30, fallback.file_bytes),
            max_lag: reader.integer("ledger.max_lag", 1_000..=100_000_000, fallback.max_lag),
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            commit_interval_ms: 1_000,
            commit_bytes: 8 << 20,
            cache_bytes: 64 << 20,
            file_bytes: 256 << 20,
            max_lag: 100_000,
        }
    }
}
