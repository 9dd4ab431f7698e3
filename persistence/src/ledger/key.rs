//! Index keys: what a record can be found by, besides its position.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// What sort of key it is, so that equal bytes of two sorts never meet. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyKind(pub u8);

impl KeyKind {
    /// The digest of the code.
    pub const CODE: Self = Self(1);
    /// The user.
    pub const USER: Self = Self(2);
    /// The request: API key and idempotency key.
    pub const REQUEST: Self = Self(3);
    /// What the record ended: a redemption or a hold.
    pub const ENDED: Self = Self(4);
}

/// One key of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Its sort.
    pub kind: KeyKind,
    /// Its bytes, of any length.
    pub bytes: &'a [u8],
}

/// Turns keys into the 64 bits that the index keeps: SipHash-2-4 (Aumasson and Bernstein, 2012)
/// under a random key of the directory's own, so that nobody outside can make keys collide.
#[derive(Clone, Copy)]
pub struct KeyHasher {
    state: SipHasher24,
}

impl KeyHasher {
    /// The hasher of a directory whose hash key this is.
    pub fn new(hash_key: &[u8; 16]) -> Self {
        Self { state: SipHasher24::new_with_key(hash_key) }
    }

    /// The 64 bits by which a key is found.
    pub fn hash(&self, key: Key<'_>) -> u64 {
        let mut state = self.state;
        state.write(key.bytes);
        // The sort goes last: the bytes before it keep their alignment, and a length of its own is
        // not needed, since SipHash itself ends with the length of all that was written.
        state.write_u8(key.kind.0);
        state.finish()
    }
}

impl fmt::Debug for KeyHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyHasher(..)")
    }
}
