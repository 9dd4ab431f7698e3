//! The `[limits]` section: how often clients may try.

use crate::reader::Reader;

/// Limits on attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether attempts are limited at all; off only for load tests.
    pub enabled: bool,
    /// Requests a second that one public key may make from one address, 1 to 1,000,000.
    pub public_requests_per_second: u32,
    /// Requests that it may make at once before that rate counts, 1 to 1,000,000.
    pub public_burst: u32,
}

impl Limits {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        Self {
            enabled: reader.switch("limits.enabled", fallback.enabled),
            public_requests_per_second: reader.integer(
                "limits.public_requests_per_second",
                1..=1_000_000,
                fallback.public_requests_per_second,
            ),
            public_burst: reader.integer(
                "limits.public_burst",
                1..=1_000_000,
                fallback.public_burst,
            ),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { enabled: true, public_requests_per_second: 5, public_burst: 20 }
    }
}
