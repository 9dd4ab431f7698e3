//! Idempotency keys: which request a command answers.

use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};

/// The most characters that a key has.
const LONGEST: usize = 255;

/// A key by which a client names a request: 1 to 255 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Box<[u8]>);

impl IdempotencyKey {
    /// The key with these characters; `None` when it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let printable = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
        (printable && (1..=LONGEST).contains(&bytes.len())).then(|| Self(bytes.into()))
    }

    /// The key that stands for this one at a place of a batch: it is followed by a zero byte, which
    /// no client's key has, and the place, counted from 0. Requests live as long as the ledger, so
    /// this stays as it is.
    pub fn at(&self, place: u32) -> Self {
        Self([&*self.0, &[0], &place.to_be_bytes()].concat().into())
    }

    /// Its characters.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The request of an API key about a subject (a code, or a route), with such a body.
    pub(super) fn request(
        &self,
        api_key: ApiKeyNumber,
        subject: &[u8],
        fingerprint: Fingerprint,
    ) -> Request {
        Request { digest: RequestDigest::new(api_key, &self.0, subject), fingerprint, searched: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_for_a_place_is_nobody_elses() {
        let key = IdempotencyKey::parse(b"order 1").unwrap();
        let places: Vec<_> = (0..3).map(|place| key.at(place)).collect();
        assert_eq!(places[1].as_bytes(), b"order 1\0\0\0\0\x01");
        assert!(places[0] != places[1] && places[1] != places[2]);
        assert_eq!(IdempotencyKey::parse(places[0].as_bytes()), None);
    }

    #[test]
    fn keys_have_one_to_255_printable_characters() {
        for good in [&b"a"[..], b"order 1/2~", &[b'x'; 255]] {
            assert!(IdempotencyKey::parse(good).is_some());
        }
        for bad in [&b""[..], b"\t", b"a\x7f", "é".as_bytes(), &[b'x'; 256]] {
            assert_eq!(IdempotencyKey::parse(bad), None);
        }
    }
}
