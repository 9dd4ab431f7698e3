//! Hints: the handles by which people talk of a code without telling it. This file must never
//! know the text of a code.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::CodeKey;
use super::keyed_hash::KeyedHash;

/// The key under which hints are made. All codes of a server share it, so that a code's hint
/// stays the same for ever.
#[derive(Clone, Debug)]
pub struct HintKey(KeyedHash);

impl HintKey {
    /// A key of 32 random bytes. The caller overwrites its own copy.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(KeyedHash::new(key))
    }

    /// The hint of a code: the first four bytes of HMAC-SHA-256 over the canonical bytes of its
    /// key.
    #[inline]
    pub fn hint(&self, key: &CodeKey) -> Hint {
        Hint(self.0.hash(&key.canonical()))
    }
}

/// A handle for a code in answers, logs and support requests: `Display` is eight hex digits.
///
/// Two codes may share one (for any two, the odds are one in 2^32), so it finds a code only
/// together with something else, and nothing is ever decided by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hint([u8; 4]);

impl fmt::Display for Hint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Hint({self})")
    }
}
