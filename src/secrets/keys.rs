//! The keys of codes, unwrapped and ready for use.
//!
//! It must never know where they are stored, nor which codes exist.

use std::collections::BTreeMap;

use redeemd_domain::codes::{
    HintKey, KeyEpoch, KeyRing, KeyRingError, PatternKey, Pepper, SealingKey,
};
use redeemd_domain::control::{Purpose, Secret, SecretName};

use super::wrapping::{Wrapper, WrapperError, describe};

/// Everything with which codes are made, read and named. No `Debug` of its parts writes a key.
#[derive(Debug)]
pub struct Keys {
    /// Seals and opens sealed codes.
    pub ring: KeyRing,
    /// Digest listed codes, the newest first; a look-up tries every one.
    pub peppers: Vec<NumberedPepper>,
    /// Draw the codes of patterns, by number.
    pattern_keys: BTreeMap<u16, PatternKey>,
    /// Makes the hints of codes.
    pub hint: HintKey,
}

/// A pepper and its number, by which campaigns remember it.
#[derive(Debug)]
pub struct NumberedPepper {
    /// Which pepper; later ones are higher.
    pub number: u16,
    /// The pepper.
    pub pepper: Pepper,
}

/// Why there are no usable keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// One of them does not open.
    #[error(transparent)]
    Wrapper(#[from] WrapperError),
    /// One cannot join the others.
    #[error("{name} cannot be used: {source}")]
    Ring {
        /// Which.
        name: String,
        /// Why.
        source: KeyRingError,
    },
    /// There is no hint key, without which nothing can be answered.
    #[error("the data directory has no hint key; its first start was interrupted")]
    NoHintKey,
}

impl Keys {
    /// The secrets that every data directory has. A first start adds those that are missing.
    pub const FIRST: [SecretName; 4] = [
        SecretName { purpose: Purpose::SealingKey, number: 1 },
        SecretName { purpose: Purpose::Pepper, number: 1 },
        SecretName { purpose: Purpose::HintKey, number: 1 },
        SecretName { purpose: Purpose::PatternKey, number: 1 },
    ];

    /// Unwraps the secrets of the control sequence.
    ///
    /// # Errors
    /// When one does not open, which mostly means that the server was started with the secret of
    /// another directory; or when there is no hint key.
    pub fn unwrap<'a>(
        wrapper: &Wrapper,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Result<Self, KeysError> {
        let mut ring = KeyRing::default();
        let mut peppers = Vec::new();
        let mut pattern_keys = BTreeMap::new();
        let mut hint = None;
        for secret in secrets {
            let name = secret.name;
            let key = wrapper.unwrap(secret)?;
            match name.purpose {
                Purpose::SealingKey => ring
                    .insert(KeyEpoch(name.number.into()), SealingKey::new(&key))
                    .map_err(|source| KeysError::Ring { name: describe(name), source })?,
                Purpose::Pepper => {
                    let pepper = Pepper::new(&key);
                    peppers.push(NumberedPepper { number: name.number, pepper });
                }
                Purpose::PatternKey => _ = pattern_keys.insert(name.number, PatternKey::new(&key)),
                // A code's hint stays the same for ever, so the first key stays in use.
                Purpose::HintKey => _ = hint.get_or_insert_with(|| HintKey::new(&key)),
            }
        }
        peppers.sort_by_key(|known| std::cmp::Reverse(known.number));
        Ok(Self { ring, peppers, pattern_keys, hint: hint.ok_or(KeysError::NoHintKey)? })
    }

    /// The pepper with a number, with which its campaigns' codes are digested again.
    pub fn pepper(&self, number: u16) -> Option<&Pepper> {
        self.peppers.iter().find(|known| known.number == number).map(|known| &known.pepper)
    }

    /// The pattern key with a number, with which its campaigns' codes are drawn again.
    pub fn pattern_key(&self, number: u16) -> Option<&PatternKey> {
        self.pattern_keys.get(&number)
    }
}
