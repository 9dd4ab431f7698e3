//! The `[holds]` section: how many codes may be held.

use crate::reader::Reader;

/// Bounds of holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// How many holds there may be at once, 0 to 100,000,000.
    pub max_live: u64,
}

impl Holds {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default().max_live;
        Self { max_live: reader.integer("holds.max_live", 0..=100_000_000, fallback) }
    }
}

impl Default for Holds {
    fn default() -> Self {
        Self { max_live: 1_000_000 }
    }
}
