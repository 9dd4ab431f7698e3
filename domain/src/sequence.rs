//! Sequences: the ordered streams of entries that make up all state of a node.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One ordered stream of entries: the control sequence, or a shard's.
///
/// The number is what the journal stores. Zero is the control sequence; shard *n* is *n* + 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SequenceId(pub u16);

impl SequenceId {
    /// The sequence that owns what is not a code: campaigns, ranges of serials, keys, operators.
    pub const CONTROL: Self = Self(0);

    /// The sequence of a shard, counted from zero.
    pub const fn shard(shard: u16) -> Self {
        Self(shard + 1)
    }

    /// The shard whose sequence this is, or `None` for the control sequence.
    pub const fn as_shard(self) -> Option<u16> {
        self.0.checked_sub(1)
    }

    /// Where this sequence stands in an array that begins with the control sequence.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for SequenceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_shard() {
            None => formatter.write_str("control"),
            Some(shard) => write!(formatter, "shard-{shard:03}"),
        }
    }
}

/// One entry's place: its sequence and its number there, counted from one.
///
/// Number zero is the place before the first entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The sequence.
    pub sequence: SequenceId,
    /// The number of the entry within the sequence; the first is 1.
    pub number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.sequence, self.number)
    }
}
