//! Wraps keys under the server's secret, so that the journal, snapshots and backups may carry them.
//!
//! AES-256 key wrap (RFC 3394), under a key derived by HKDF-SHA-256 (RFC 5869) for each secret's
//! name and for the data directory, so that a wrapped key opens nowhere else and as nothing else.
//! It must never know what a key is used for.

use std::fmt;

use aes::Aes256;
use aes_kw::{AesKw, KeyInit as _};
use hkdf::Hkdf;
use redeemd_domain::control::{Purpose, Secret, SecretName};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::server_secret::ServerSecret;

/// How many bytes the server's secret has, and every key that is wrapped under it.
pub const SECRET_BYTES: usize = 32;

/// How many bytes the identifier of a data directory has.
pub const DIRECTORY_ID_BYTES: usize = 16;

/// The first byte of what is stored: key wrap as above. Another cipher is another number.
const FORMAT_VERSION: u8 = 1;

/// What key wrap adds.
const CHECK_BYTES: usize = 8;

/// A secret that was unwrapped; overwritten when dropped.
pub type Unwrapped = Zeroizing<[u8; SECRET_BYTES]>;

/// Why a key could not be wrapped or unwrapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapperError {
    /// It was wrapped under another secret, or for another data directory.
    #[error(
        "the server's secret does not fit the data directory ({0} does not open under it); name the \
         secret that the directory was made with, by secret_file or REDEEMD_SECRET"
    )]
    WrongSecret(String),
    /// It was wrapped by a newer version.
    #[error("{0} was enciphered by a newer redeemd; use that one")]
    Newer(String),
    /// The operating system has no randomness to give.
    #[error("cannot draw a key: the operating system has no randomness to give")]
    NoRandomness,
    /// The cipher took no such key, which no key of [`SECRET_BYTES`] bytes is the reason for.
    #[error("{0} cannot be enciphered")]
    Unusable(String),
}

/// Wraps and unwraps the keys of one data directory. `Debug` does not write the secret.
pub struct Wrapper {
    derivation: Hkdf<Sha256>,
}

impl Wrapper {
    /// The wrapper of a data directory.
    pub fn new(secret: &ServerSecret, directory: &[u8; DIRECTORY_ID_BYTES]) -> Self {
        Self { derivation: Hkdf::new(Some(directory), secret.as_bytes()) }
    }

    /// Draws a new key and gives it wrapped: what the control sequence keeps.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn make(&self, name: SecretName) -> Result<Secret, WrapperError> {
        let mut key = Unwrapped::default();
        getrandom::fill(key.as_mut()).map_err(|_| WrapperError::NoRandomness)?;
        self.wrap(name, &key)
    }

    /// Wraps a key.
    ///
    /// # Errors
    /// [`WrapperError::Unusable`], which does not happen.
    pub fn wrap(&self, name: SecretName, key: &[u8; SECRET_BYTES]) -> Result<Secret, WrapperError> {
        let mut enciphered = vec![FORMAT_VERSION; 1 + SECRET_BYTES + CHECK_BYTES];
        let [_, wrapped @ ..] = enciphered.as_mut_slice() else {
            return Err(WrapperError::Unusable(describe(name)));
        };
        let result = self.cipher(name)?.wrap_key(key, wrapped).map(|_| ());
        result.map_err(|_| WrapperError::Unusable(describe(name)))?;
        Ok(Secret { name, enciphered: enciphered.into() })
    }

    /// Unwraps a key.
    ///
    /// # Errors
    /// When it was wrapped under another secret, for another directory, or by a newer version.
    pub fn unwrap(&self, secret: &Secret) -> Result<Unwrapped, WrapperError> {
        let name = secret.name;
        let wrong = || WrapperError::WrongSecret(describe(name));
        let wrapped = match secret.enciphered.split_first() {
            Some((&FORMAT_VERSION, wrapped)) => wrapped,
            Some(_) => return Err(WrapperError::Newer(describe(name))),
            None => return Err(wrong()),
        };
        if wrapped.len() != SECRET_BYTES + CHECK_BYTES {
            return Err(wrong());
        }
        let mut key = Unwrapped::default();
        self.cipher(name)?.unwrap_key(wrapped, key.as_mut()).map_err(|_| wrong())?;
        Ok(key)
    }

    /// A key that is the same whenever it is derived for the same context, whose parts are joined.
    /// What it is for stands in the error.
    ///
    /// # Errors
    /// [`WrapperError::Unusable`], which does not happen.
    pub(super) fn derive(&self, context: &[&[u8]], what: &str) -> Result<Unwrapped, WrapperError> {
        let mut key = Unwrapped::default();
        let derived = self.derivation.expand_multi_info(context, key.as_mut());
        derived.map_err(|_| WrapperError::Unusable(what.to_owned()))?;
        Ok(key)
    }

    fn cipher(&self, name: SecretName) -> Result<AesKw<Aes256>, WrapperError> {
        let purpose: &[u8] = match name.purpose {
            Purpose::SealingKey => b"sealing key",
            Purpose::Pepper => b"pepper",
            Purpose::HintKey => b"hint key",
            Purpose::PatternKey => b"pattern key",
        };
        let context = [b"redeemd key wrap\x01", purpose, b"\x00", &name.number.to_be_bytes()];
        let key = self.derive(&context, &describe(name))?;
        Ok(AesKw::new((&*key).into()))
    }
}

impl fmt::Debug for Wrapper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Wrapper(redacted)")
    }
}

/// A secret's name in words.
pub(super) fn describe(name: SecretName) -> String {
    let purpose = match name.purpose {
        Purpose::SealingKey => "sealing key",
        Purpose::Pepper => "pepper",
        Purpose::HintKey => "hint key",
        Purpose::PatternKey => "pattern key",
    };
    format!("{purpose} {}", name.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: SecretName = SecretName { purpose: Purpose::SealingKey, number: 1 };

    fn wrapper(secret: u8, directory: u8) -> Wrapper {
        Wrapper::new(
            &ServerSecret::from_bytes([secret; SECRET_BYTES]),
            &[directory; DIRECTORY_ID_BYTES],
        )
    }

    #[test]
    fn a_key_opens_under_its_own_secret_directory_and_name_alone() {
        let key = [7; SECRET_BYTES];
        let wrapped = wrapper(1, 1).wrap(NAME, &key).unwrap();
        assert_eq!(*wrapper(1, 1).unwrap(&wrapped).unwrap(), key);
        assert!(!wrapped.enciphered.windows(4).any(|window| window == [7; 4]));
        let renamed =
            [SecretName { number: 2, ..NAME }, SecretName { purpose: Purpose::Pepper, ..NAME }];
        for name in renamed {
            let renamed = Secret { name, enciphered: wrapped.enciphered.clone() };
            let refused = wrapper(1, 1).unwrap(&renamed);
            assert!(matches!(refused, Err(WrapperError::WrongSecret(_))), "{name:?}");
        }
        for other in [wrapper(2, 1), wrapper(1, 2)] {
            let reason = other.unwrap(&wrapped).unwrap_err().to_string();
            assert!(reason.contains("secret_file") && !reason.contains('\n'), "{reason}");
        }
    }

    #[test]
    fn damaged_and_newer_ones_are_refused() {
        let wrapped = wrapper(1, 1).make(NAME).unwrap();
        for place in 0..wrapped.enciphered.len() {
            let mut damaged = wrapped.clone();
            damaged.enciphered[place] ^= 1;
            assert!(wrapper(1, 1).unwrap(&damaged).is_err(), "byte {place}");
        }
        let newer = Secret { name: NAME, enciphered: Box::new([FORMAT_VERSION + 1; 41]) };
        assert!(matches!(wrapper(1, 1).unwrap(&newer), Err(WrapperError::Newer(_))));
        let empty = Secret { name: NAME, enciphered: Box::new([]) };
        assert!(wrapper(1, 1).unwrap(&empty).is_err());
    }

    /// What is stored must open in every later version, so a wrapped key of the first one stays.
    /// OpenSSL (`kdf HKDF`, then `enc -id-aes256-wrap`) gives the same bytes.
    #[test]
    fn the_stored_form_stays() {
        let wrapped = wrapper(1, 1).wrap(NAME, &[7; SECRET_BYTES]).unwrap();
        let hex: String = wrapped.enciphered.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, STORED);
    }

    const STORED: &str = "01de0e54df57307572de1202ee1a932f2569edf7da6848d6f624b0b185ef6c5ff\
        eccc442b45e7df485";
}
