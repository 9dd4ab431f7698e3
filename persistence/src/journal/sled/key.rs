//! The keys under which pieces of blocks and anchors are stored.

/// The largest value. sled moves nodes over 128 KiB into files of their own, which it never syncs;
/// values of 16 KiB get there after some inserts, values of 6 KiB never did.
pub(super) const PIECE_BYTES: usize = 6 << 10;

/// The length of a key.
pub(super) const KEY_BYTES: usize = 13;

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Anchor,
    Block,
}

impl Kind {
    pub(super) const fn letter(self) -> u8 {
        match self {
            Self::Anchor => b'a',
            Self::Block => b'b',
        }
    }
}

/// The key of a piece.
pub(super) fn encode(kind: Kind, number: u64, piece: u32) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[0] = kind.letter();
    key[1..9].copy_from_slice(&number.to_be_bytes());
    key[9..].copy_from_slice(&piece.to_be_bytes());
    key
}

/// Number and piece of a key; `None` when it is none of ours.
pub(super) fn decode(key: &[u8]) -> Option<(u64, u32)> {
    let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
    let (number, piece) = key.get(1..)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), u32::from_be_bytes(piece.try_into().ok()?)))
}
