//! The `[snapshots]` section: how often a shard's state is written down whole.

use crate::reader::Reader;

/// When snapshots are taken: when the first of the three is reached. 0 switches one off; not all
/// three may be off, since the journal would then grow for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshots {
    /// Entries of the shard since its last snapshot, 0 to 1,000,000,000.
    pub interval_entries: u64,
    /// Seconds since its last snapshot, where anything has changed, 0 to 604,800.
    pub interval_seconds: u64,
    /// Bytes by which the journal has grown since, 0 to 1 TiB.
    pub journal_bytes: u64,
}

impl Snapshots {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        let snapshots = Self {
            interval_entries: reader.integer(
                "snapshots.interval_entries",
                0..=1_000_000_000,
                fallback.interval_entries,
            ),
            interval_seconds: reader.integer(
                "snapshots.interval_seconds",
                0..=604_800,
                fallback.interval_seconds,
            ),
            journal_bytes: reader.integer(
                "snapshots.journal_bytes",
                0..=1 << 40,
                fallback.journal_bytes,
            ),
        };
        let Self { interval_entries, interval_seconds, journal_bytes } = snapshots;
        if (interval_entries, interval_seconds, journal_bytes) == (0, 0, 0) {
            reader.refuse(
                "snapshots.journal_bytes",
                "more than 0 here, in snapshots.interval_entries or in snapshots.interval_seconds",
            );
        }
        snapshots
    }
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { interval_entries: 500_000, interval_seconds: 900, journal_bytes: 1 << 30 }
    }
}
