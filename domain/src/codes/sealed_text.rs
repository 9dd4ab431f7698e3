//! The text of a sealed code as it is handed out. It must never know a key.

use std::fmt;

use super::checksum::checksum;
use super::crockford;

/// How many symbols a sealed code has: 140 bits, of which the last 12 are the checksum.
pub(crate) const SYMBOLS: usize = 28;

/// The text of a sealed code, on the stack: `XXXXXXXXXXXX-XXXXXXXX-XXXXXXXX`, 28 symbols of
/// Crockford base32 and two dashes.
///
/// This is a secret that can be redeemed: `Display` writes it, for the one who may have it;
/// `Debug` does not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealedText([u8; Self::LENGTH]);

impl SealedText {
    /// How many characters, and bytes, the text has.
    pub const LENGTH: usize = SYMBOLS + 2;

    /// The text of a block of cipher text, as a big-endian number, with its checksum.
    ///
    /// The groups hold 60, 40 and 40 bits, so each comes out of one machine word.
    #[inline]
    pub(crate) fn of(block: u128) -> Self {
        let (high, low) = ((block >> 64) as u64, block as u64);
        let first = crockford::write::<12>(high >> 4);
        let second = crockford::write::<8>((high & 0xF) << 36 | low >> 28);
        let third = crockford::write::<8>(low << 12 | u64::from(checksum(block)));

        let mut text = [b'-'; Self::LENGTH];
        text[..12].copy_from_slice(&first);
        text[13..21].copy_from_slice(&second);
        text[22..].copy_from_slice(&third);
        Self(text)
    }

    /// The text as ASCII bytes.
    #[inline]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // Symbols and dashes are ASCII, so this is always text; an empty one is no code.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl AsRef<str> for SealedText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for SealedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for SealedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealedText(redacted)")
    }
}
