//! HMAC-SHA-256 with a key that was prepared once. It must never know what is hashed.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key for HMAC-SHA-256 whose two blocks were hashed in advance, which halves the work for
/// short texts. `Debug` does not write it, and it is overwritten when dropped.
#[derive(Clone)]
pub(crate) struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    /// Prepares a key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // HMAC fills a short key up with zeros to a whole block, so this is the same key; a
        // whole block is what can be handed over without a case for a wrong length.
        let mut block = [0; 64];
        block[..32].copy_from_slice(key);
        Self(Hmac::new(&block.into()))
    }

    /// The first `LENGTH` of the 32 bytes of HMAC-SHA-256 over `bytes`.
    #[inline]
    pub(crate) fn hash<const LENGTH: usize>(&self, bytes: &[u8]) -> [u8; LENGTH] {
        const { assert!(LENGTH <= 32, "HMAC-SHA-256 has 32 bytes") }
        let hash: [u8; 32] = self.0.clone().chain_update(bytes).finalize().into_bytes().into();
        std::array::from_fn(|place| hash[place])
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyedHash(redacted)")
    }
}
