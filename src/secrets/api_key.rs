//! The text of an API key: made once, shown once, kept as a digest.
//!
//! It must never know which keys exist.

use std::fmt;

use redeemd_domain::identifier::ApiKeyNumber;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::wrapping::{Wrapper, WrapperError};

/// What every key that is made here begins with, so that people and scanners recognise one.
const PREFIX: &str = "rk_";

/// The alphabet of base64url (RFC 4648, section 5).
const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A key that was just made: `rk_` and the 43 symbols of 32 random bytes in base64url.
///
/// `Debug` does not write it, and it is overwritten when dropped.
pub struct ApiKeyText(Zeroizing<String>);

impl ApiKeyText {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// When the operating system has none to give.
    pub fn make() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self::of(&bytes))
    }

    /// The key that an API key's request always gets: nobody can make it without the server's
    /// secret, and the same request of the same API key gets the same.
    ///
    /// # Errors
    /// [`WrapperError::Unusable`], which does not happen.
    pub fn derive(
        wrapper: &Wrapper,
        asker: ApiKeyNumber,
        idempotency_key: &[u8],
    ) -> Result<Self, WrapperError> {
        let context = [b"redeemd api key\x01", &asker.0.to_be_bytes()[..], idempotency_key];
        Ok(Self::of(&*wrapper.derive(&context, "an API key")?))
    }

    /// The text, for the one who may have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(bytes: &[u8; 32]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 43));
        text.push_str(PREFIX);
        for group in bytes.chunks(3) {
            let at = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
            let bits = at(0) << 16 | at(1) << 8 | at(2);
            for place in 0..=group.len() {
                let symbol = (bits >> (18 - 6 * place)) & 63;
                text.push(char::from(SYMBOLS[symbol as usize]));
            }
        }
        Self(text)
    }
}

impl fmt::Debug for ApiKeyText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKeyText(redacted)")
    }
}

/// The digest under which a key is kept: SHA-256 of its text. A key is long and random, so that a
/// slow digest would protect nothing.
pub fn digest_of_api_key(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{SECRET_BYTES, ServerSecret};

    #[test]
    fn a_key_is_derived_from_everything_that_it_is_asked_by() {
        let derive = |secret: u8, directory: u8, asker: u32, key: &[u8]| {
            let secret = ServerSecret::from_bytes([secret; SECRET_BYTES]);
            let wrapper = Wrapper::new(&secret, &[directory; 16]);
            let text = ApiKeyText::derive(&wrapper, ApiKeyNumber(asker), key).unwrap();
            text.as_str().to_owned()
        };
        let first = derive(1, 1, 1, b"order");
        // What a request got must be got again by every later version. HKDF of another make (Python's
        // hmac) gives the same.
        assert_eq!(first, DERIVED);
        for other in [
            derive(2, 1, 1, b"order"),
            derive(1, 2, 1, b"order"),
            derive(1, 1, 2, b"order"),
            derive(1, 1, 1, b"order "),
        ] {
            assert_ne!(other, first);
        }
    }

    const DERIVED: &str = "rk_TLkwaJuESY0LviRsIaQVYpDz6DaxPsX8T-EOwt14Og0";

    #[test]
    fn a_key_is_written_in_base64url() {
        assert_eq!(ApiKeyText::of(&[0; 32]).as_str(), format!("rk_{}", "A".repeat(43)));
        let all_ones = format!("rk_{}8", "_".repeat(42));
        assert_eq!(ApiKeyText::of(&[0xFF; 32]).as_str(), all_ones);
        let counted = ApiKeyText::of(&std::array::from_fn(|place| place as u8));
        assert_eq!(counted.as_str(), "rk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    }

    #[test]
    fn two_keys_differ_and_neither_is_shown() {
        let (one, other) = (ApiKeyText::make().unwrap(), ApiKeyText::make().unwrap());
        assert_ne!(one.as_str(), other.as_str());
        assert_eq!(format!("{one:?}"), "ApiKeyText(redacted)");
    }
}
