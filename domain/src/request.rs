//! Idempotency: what makes a repeated request the same request.
//!
//! A key belongs to the API key that sent it and is bound to what it was sent about (a code, or a
//! route): with something else it is another request. The state machine knows neither text, only a
//! digest of all of them, so a request costs sixteen bytes however long its key is.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::identifier::ApiKeyNumber;

/// Names a request: SHA-256 over API key, idempotency key and subject, cut to 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestDigest(pub [u8; 16]);

impl Hash for RequestDigest {
    /// As one number: of an array the length would be hashed, too.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.0));
    }
}

impl RequestDigest {
    /// The digest of a key that an API key sent about a subject: the canonical bytes of a code's
    /// key, or the name of a route.
    pub fn new(api_key: ApiKeyNumber, idempotency_key: &[u8], subject: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"redeemd request\x01");
        hash.update(api_key.0.to_le_bytes());
        hash.update((idempotency_key.len() as u64).to_le_bytes());
        hash.update(idempotency_key);
        hash.update(subject);
        Self(cut(&hash.finalize()))
    }
}

/// Tells whether a repeated request also says the same: a digest of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 8]);

impl Fingerprint {
    /// The fingerprint of a body's parts, in a fixed order. An absent part differs from an empty
    /// one.
    pub fn new(parts: &[Option<&[u8]>]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"redeemd fingerprint\x01");
        for part in parts {
            let length = part.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hash.update(length.to_le_bytes());
            hash.update(part.unwrap_or_default());
        }
        Self(cut(&hash.finalize()))
    }
}

/// The idempotency of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which request it is.
    pub digest: RequestDigest,
    /// What it says.
    pub fingerprint: Fingerprint,
    /// Up to which entry of the sequence the ledger was searched for this request in vain; 0 when
    /// it was not searched.
    pub searched: u64,
}

impl Request {
    /// Says up to which entry of the sequence the ledger was searched for it, in vain.
    pub fn set_searched(&mut self, through: u64) {
        self.searched = self.searched.max(through);
    }
}

fn cut<const LENGTH: usize>(digest: &[u8]) -> [u8; LENGTH] {
    let mut kept = [0; LENGTH];
    kept.iter_mut().zip(digest).for_each(|(kept, &byte)| *kept = byte);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_request_tells_it_apart() {
        let base = RequestDigest::new(ApiKeyNumber(1), b"order-1", b"code");
        assert_eq!(base, RequestDigest::new(ApiKeyNumber(1), b"order-1", b"code"));
        assert_ne!(base, RequestDigest::new(ApiKeyNumber(2), b"order-1", b"code"));
        assert_ne!(base, RequestDigest::new(ApiKeyNumber(1), b"order-", b"1code"));
        assert_ne!(base, RequestDigest::new(ApiKeyNumber(1), b"order-1", b"edoc"));
    }

    #[test]
    fn an_absent_part_is_not_an_empty_one() {
        assert_ne!(Fingerprint::new(&[None]), Fingerprint::new(&[Some(b"")]));
        assert_ne!(
            Fingerprint::new(&[Some(b"ab"), Some(b"c")]),
            Fingerprint::new(&[Some(b"a"), Some(b"bc")])
        );
    }
}
