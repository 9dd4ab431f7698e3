//! Reading the text of a sealed code, as far as that goes without a key. It must never know
//! what is enciphered.

use std::fmt;

use super::SealedText;
use super::checksum::checksum;
use super::crockford::{self, NO_SYMBOL, VALUES, combine};
use super::sealed_text::SYMBOLS;
use super::separator::is_separator;

/// The cipher text of a sealed code (as a big-endian number), read from a text whose checksum was right.
///
/// That says nothing about whether such a code was ever issued: only a key can tell. Since the
/// block is as good as the code, `Debug` does not write it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealedBlock(u128);

/// Why a text is no sealed code. Clients are never told which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A character is neither a symbol nor a separator.
    #[error("a character cannot be part of a sealed code")]
    Symbol,
    /// There are not exactly 28 symbols, or the text has more than [`SealedBlock::LONGEST`] bytes.
    #[error("a sealed code has 28 symbols")]
    Length,
    /// The symbols are right, and the checksum says that at least one of them is another's.
    #[error("the checksum of the sealed code is wrong")]
    Checksum,
}

impl SealedBlock {
    /// The longest text that is read, in bytes; longer ones are [`Unreadable::Length`].
    pub const LONGEST: usize = 128;

    /// Reads a text as people type or paste it: in either case, with O for 0 and I or L for 1,
    /// with spaces and dashes anywhere or nowhere.
    ///
    /// # Errors
    ///
    /// The first fault in reading order: a character that is none, a symbol too many, symbols
    /// missing at the end, a wrong checksum. Too long a text is refused before it is looked at.
    #[inline]
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        // Nearly every text is spelled as it was issued; the rest may cost more.
        match <&[u8; SealedText::LENGTH]>::try_from(text.as_bytes()).ok().and_then(read_canonical) {
            Some(groups) => Self::from_groups(groups),
            None => Self::from_groups(read_tolerantly(text)?),
        }
    }

    /// The sixteen bytes of cipher text.
    #[inline]
    pub(crate) const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The code's text in its canonical spelling.
    pub fn to_text(&self) -> SealedText {
        SealedText::of(self.0)
    }

    /// Puts the groups together, of 60, 40 and 40 bits, and compares the checksum.
    #[inline]
    fn from_groups([first, second, third]: [u64; 3]) -> Result<Self, Unreadable> {
        let high = first << 4 | second >> 36;
        let low = second << 28 | third >> 12;
        let block = u128::from(high) << 64 | u128::from(low);
        if u64::from(checksum(block)) == third & 0xFFF {
            Ok(Self(block))
        } else {
            Err(Unreadable::Checksum)
        }
    }
}

impl fmt::Debug for SealedBlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealedBlock(redacted)")
    }
}

/// The three groups of a text that is spelled as it was issued, in either case, or `None`. There
/// is one branch for all symbols together.
#[inline]
fn read_canonical(text: &[u8; SealedText::LENGTH]) -> Option<[u64; 3]> {
    // Four words of eight symbols; the second holds only four, behind zeros.
    let mut symbols = [b'0'; 32];
    symbols[..8].copy_from_slice(&text[..8]);
    symbols[12..16].copy_from_slice(&text[8..12]);
    symbols[16..24].copy_from_slice(&text[13..21]);
    symbols[24..].copy_from_slice(&text[22..]);
    let [first, rest_of_first, second, third] = crockford::read_exact(&symbols)?;
    (text[12] == b'-' && text[21] == b'-').then_some([first << 20 | rest_of_first, second, third])
}

/// The three groups of a text in any spelling.
fn read_tolerantly(text: &str) -> Result<[u64; 3], Unreadable> {
    if text.len() > SealedBlock::LONGEST {
        return Err(Unreadable::Length);
    }
    let mut values = [0; SYMBOLS];
    let mut places = values.iter_mut();
    for character in text.chars().filter(|&character| !is_separator(character)) {
        let value = u8::try_from(character).map_or(NO_SYMBOL, |byte| VALUES[usize::from(byte)]);
        if value == NO_SYMBOL {
            return Err(Unreadable::Symbol);
        }
        *places.next().ok_or(Unreadable::Length)? = value;
    }
    if places.next().is_some() {
        return Err(Unreadable::Length);
    }
    Ok([&values[..12], &values[12..20], &values[20..]].map(|group| combine(group.iter().copied())))
}
