//! The keyed digest under which a listed code is known. It must never know the code's text or
//! the pepper that made it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::slot::{SLOT_COUNT, Slot};

/// The first 128 bits of HMAC-SHA-256 over a normalised listed code, keyed by a pepper.
///
/// `Display` is 32 lower-case hex digits. Without the pepper a digest tells nothing about its
/// code, yet it identifies the code, so it belongs in no log line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest([u8; 16]);

impl Digest {
    /// A digest that was stored before.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes, in the order in which HMAC gave them.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The slot of the code: the first ten bits of the digest, read as a big-endian number.
    pub const fn slot(&self) -> Slot {
        let [first, second, ..] = self.0;
        Slot::of((u16::from_be_bytes([first, second]) >> UNUSED_BITS) as u64)
    }
}

/// How many of the first sixteen bits do not choose the slot.
const UNUSED_BITS: u32 = u16::BITS - SLOT_COUNT.trailing_zeros();

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_is_the_first_ten_bits() {
        for (first, second, slot) in [(0, 0, 0), (0, 0x3F, 0), (0, 0x40, 1), (0xFF, 0xFF, 1023)] {
            let mut bytes = [0xA5; 16];
            (bytes[0], bytes[1]) = (first, second);
            assert_eq!(Digest::from_bytes(bytes).slot().number(), slot);
        }
    }

    #[test]
    fn it_is_written_in_hex() {
        let digest = Digest::from_bytes(std::array::from_fn(|place| place as u8));
        assert_eq!(digest.to_string(), "000102030405060708090a0b0c0d0e0f");
    }
}
