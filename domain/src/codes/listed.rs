//! Listed codes: any text, made one of its spellings and then known by its keyed digest. This
//! file must never know which codes are listed, or where peppers are kept.

use std::borrow::Cow;
use std::fmt;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::keyed_hash::KeyedHash;
use super::separator::is_separator;
use super::{Digest, SealedBlock};

/// A listed code in the one spelling that all its spellings have in common.
///
/// This is a secret that can be redeemed, so `Debug` does not write it.
#[derive(Clone, PartialEq, Eq)]
pub struct NormalisedCode(String);

/// Why a text cannot be a listed code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableText {
    /// The text holds nothing but separators, or nothing at all.
    #[error("the code is empty")]
    Empty,
    /// The text has more than [`NormalisedCode::LONGEST`] characters.
    #[error("a code has at most {} characters", NormalisedCode::LONGEST)]
    TooLong,
    /// The text has a control character (Unicode general category Cc).
    #[error("a code has no control characters")]
    ControlCharacter,
    /// The text reads as a sealed code with a right checksum; such texts are kept for sealed
    /// codes, so that every text means one code at most.
    #[error("the text has the form of a sealed code")]
    ReservedText,
}

impl NormalisedCode {
    /// The most characters (Unicode scalar values) that a code has before it is normalised.
    pub const LONGEST: usize = 64;

    /// Normalises a text: to Unicode normalisation form C, ASCII letters to upper case, spaces
    /// and dashes removed. Look-alikes stay apart, since an imported list may hold both.
    ///
    /// Normalising a normalised code changes nothing.
    ///
    /// # Errors
    ///
    /// [`UnusableText`], the first that holds in this order: `TooLong`, `ControlCharacter`,
    /// `Empty`, `ReservedText`.
    pub fn parse(text: &str) -> Result<Self, UnusableText> {
        if text.chars().nth(Self::LONGEST).is_some() {
            return Err(UnusableText::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(UnusableText::ControlCharacter);
        }
        let mut normalised: String = to_form_c(text)
            .chars()
            .filter(|&character| !is_separator(character))
            .map(|character| character.to_ascii_uppercase())
            .collect();
        // A separator or a lower-case letter may have stood between what now composes.
        if let Cow::Owned(composed) = to_form_c(&normalised) {
            normalised = composed;
        }
        if normalised.is_empty() {
            return Err(UnusableText::Empty);
        }
        if SealedBlock::parse(&normalised).is_ok() {
            return Err(UnusableText::ReservedText);
        }
        Ok(Self(normalised))
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NormalisedCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NormalisedCode(redacted)")
    }
}

/// A key under which listed codes are digested. Peppers are added and never replaced: a digest
/// can be made again only with its own.
///
/// Without it a digest cannot be compared with guesses, so `Debug` does not write it, and it is
/// overwritten when dropped.
#[derive(Clone, Debug)]
pub struct Pepper(KeyedHash);

impl Pepper {
    /// A pepper of 32 random bytes. The caller overwrites its own copy.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(KeyedHash::new(key))
    }

    /// The digest of a code: the first sixteen bytes of HMAC-SHA-256 over its UTF-8 bytes.
    #[inline]
    pub fn digest(&self, code: &NormalisedCode) -> Digest {
        Digest::from_bytes(self.0.hash(code.0.as_bytes()))
    }
}

/// The text in normalisation form C; borrowed when it is known to be so already.
fn to_form_c(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}
