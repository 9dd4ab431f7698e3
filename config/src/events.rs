//! The `[events]` section: those who follow what happens.

use crate::reader::Reader;

/// How events are sent to those who listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// How many may listen at a time, 1 to 100,000; more are refused.
    pub max_listeners: u64,
    /// How much is sent to all of them together, 64 KiB to 64 GiB a second. A delivery counts with at
    /// least 8 KiB. With more to send, listeners fall behind, and catch up when there is less.
    pub max_bytes_per_second: u64,
    /// After how many seconds without an event a listener is told that the connection lives, 1 to
    /// 300.
    pub heartbeat_seconds: u64,
}

impl Events {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        Self {
            max_listeners: reader.integer(
                "events.max_listeners",
                1..=100_000,
                fallback.max_listeners,
            ),
            max_bytes_per_second: reader.integer(
                "events.max_bytes_per_second",
                64 << 10..=64 << 30,
                fallback.max_bytes_per_second,
            ),
            heartbeat_seconds: reader.integer(
                "events.heartbeat_seconds",
                1..=300,
                fallback.heartbeat_seconds,
            ),
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { max_listeners: 2_000, max_bytes_per_second: 16 << 20, heartbeat_seconds: 15 }
    }
}
