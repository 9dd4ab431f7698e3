//! A point in time as the journal stores it. The domain never asks what time it is.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Entries are stamped with it by the shard that proposes them; the stamps of one sequence never
/// run backwards, and the stamps of two sequences are never compared.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The largest time that an identifier can carry: 48 bits, in the year 10889.
    pub const MAX: Self = Self((1 << 48) - 1);

    /// The milliseconds since the epoch.
    pub const fn milliseconds(self) -> u64 {
        self.0
    }
}
