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

impl Hint {
    /// The hint that a text shows; `None` where it shows none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_one = text.len() == 8 && text.bytes().all(is_digit);
        let number = u32::from_str_radix(text, 16).ok().filter(|_| is_one)?;
        Some(Self(number.to_be_bytes()))
    }
}

/// Whence the hints of codes are known.
#[derive(Clone, Debug)]
pub enum Hints {
    /// They are made.
    Made(HintKey),
    /// Somebody who can make them told those of a few codes.
    Told(Vec<(CodeKey, Hint)>),
}

impl Hints {
    /// The hint of a code. Of one that nobody told it is all zeros, which is no code's but by chance.
    pub fn hint(&self, key: &CodeKey) -> Hint {
        match self {
            Self::Made(hints) => hints.hint(key),
            Self::Told(hints) => {
                let told = hints.iter().find(|(known, _)| known == key);
                told.map_or(Hint([0; 4]), |(_, hint)| *hint)
            }
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::{CampaignNumber, Serial};

    #[test]
    fn a_hint_reads_back_and_what_is_told_of_one_code_is_told_of_no_other() {
        let code = |serial| CodeKey::Sealed {
            campaign: CampaignNumber(1),
            serial: Serial::new(serial).unwrap(),
        };
        let hint = HintKey::new(&[7; 32]).hint(&code(1));
        assert_eq!(Hint::parse(&hint.to_string()), Some(hint));
        for bad in ["", "0000000", "000000000", "0000000g", "+0000000", "0000000A"] {
            assert_eq!(Hint::parse(bad), None, "{bad}");
        }
        let told = Hints::Told(vec![(code(1), hint)]);
        assert_eq!((told.hint(&code(1)), told.hint(&code(2))), (hint, Hint([0; 4])));
        let made = Hints::Made(HintKey::new(&[7; 32]));
        assert_eq!(made.hint(&code(1)), hint);
    }
}
