//! The `[shards]` section: how many shards there are, and how much may wait for them.

use crate::reader::Reader;

/// Shards, and the bounds of their queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shards {
    /// Number of shards: a power of two from 1 to 1,024. Used only when the data directory is made;
    /// afterwards the number that the directory records holds.
    pub count: u16,
    /// Threads that run the shards, 0 to 256; 0 means chosen from the number of cores.
    pub threads: usize,
    /// Messages that may wait in one shard's mailbox, 16 to 1,048,576.
    pub mailbox_capacity: usize,
    /// Entries of one shard that may be on their way to the journal, 16 to 1,048,576.
    pub max_in_flight: usize,
}

impl Shards {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        let shards = Self {
            count: reader.integer("shards.count", 1..=1_024, fallback.count),
            threads: reader.integer("shards.threads", 0..=256, fallback.threads),
            mailbox_capacity: reader.integer(
                "shards.mailbox_capacity",
                16..=1 << 20,
                fallback.mailbox_capacity,
            ),
            max_in_flight: reader.integer(
                "shards.max_in_flight",
                16..=1 << 20,
                fallback.max_in_flight,
            ),
        };
        if !shards.count.is_power_of_two() {
            reader.refuse("shards.count", "a power of two from 1 to 1024");
        }
        shards
    }
}

impl Default for Shards {
    fn default() -> Self {
        Self { count: 8, threads: 0, mailbox_capacity: 8_192, max_in_flight: 16_384 }
    }
}
