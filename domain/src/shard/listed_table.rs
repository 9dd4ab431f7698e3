//! The listed codes of one slot: a flat table of digests, twenty bytes each.

use super::digest_table::{Cell, DigestTable, Key};
use crate::codes::Digest;

/// Digests of listed codes with their states.
pub(super) type ListedTable = DigestTable<Digest, Listed>;

impl Key for Digest {
    fn of_bytes(bytes: [u8; 16]) -> Self {
        Self::from_bytes(bytes)
    }

    fn bytes(&self) -> &[u8; 16] {
        self.as_bytes()
    }
}

/// Bits of a listed code's state, as the table keeps them beside the owner's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// The place of the code's campaign in the shard's list of owners.
    pub(super) owner: u32,
    /// It was redeemed exactly once and nothing else ever happened to it.
    pub(super) redeemed: bool,
    /// The table of exceptions knows its state.
    pub(super) exceptional: bool,
}

/// The most owners that a shard can have: the number takes 24 bits of a cell.
pub(super) const MAX_OWNERS: usize = 1 << OWNER_BITS;

const OWNER_BITS: u32 = 24;
const OCCUPIED: u32 = 1 << 31;
const REDEEMED: u32 = 1 << 30;
const EXCEPTIONAL: u32 = 1 << 29;

impl Cell for Listed {
    /// Four bytes, in memory and in snapshots.
    type Bits = u32;

    /// Room counts for more than time.
    const CELLS_FOR_EIGHT: usize = 9;

    /// Millions of codes are brought in once and then stay: room counts for more than the time of
    /// bringing them in.
    const GROWS_BY_ONE_OF: usize = 8;

    fn to_bits(self) -> u32 {
        let redeemed = if self.redeemed { REDEEMED } else { 0 };
        let exceptional = if self.exceptional { EXCEPTIONAL } else { 0 };
        OCCUPIED | redeemed | exceptional | (self.owner & ((1 << OWNER_BITS) - 1))
    }

    fn from_bits(bits: u32) -> Option<Self> {
        (bits & OCCUPIED != 0).then_some(Self {
            owner: bits & ((1 << OWNER_BITS) - 1),
            redeemed: bits & REDEEMED != 0,
            exceptional: bits & EXCEPTIONAL != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn listed(owner: u32) -> Listed {
        Listed { owner, redeemed: owner % 2 == 1, exceptional: owner % 3 == 1 }
    }

    /// Digests of slot 5; crowded ones share their spreading bits and differ only at the end.
    fn digest() -> impl Strategy<Value = Digest> {
        (any::<bool>(), any::<[u8; 16]>()).prop_map(|(crowded, mut bytes)| {
            if crowded {
                bytes[1..12].fill(0xFF);
            }
            bytes[0] = 1;
            bytes[1] = (bytes[1] & 0x3F) | 0x40;
            Digest::from_bytes(bytes)
        })
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_map(digests in proptest::collection::vec((digest(), 0..1000u32), 0..400)) {
            let (mut table, mut map) = (ListedTable::default(), BTreeMap::new());
            for &(digest, owner) in &digests {
                prop_assert_eq!(table.insert(digest, listed(owner)), !map.contains_key(&digest));
                map.entry(digest).or_insert(listed(owner));
            }
            prop_assert_eq!(table.len(), map.len());
            prop_assert!(table.iter().eq(map.iter().map(|(digest, state)| (*digest, *state))));
            prop_assert!(map.iter().all(|(digest, state)| table.get(digest) == Some(*state)));
            let again = ListedTable::from_sorted(map.len(), table.iter()).unwrap();
            prop_assert!(again.iter().eq(table.iter()));
            prop_assert_eq!(again.len(), table.len());
            prop_assert!(map.iter().all(|(digest, state)| again.get(digest) == Some(*state)));
        }
    }

    #[test]
    fn it_is_never_much_larger_than_what_it_holds() {
        let mut table = ListedTable::default();
        let mut worst = 0.0_f64;
        for number in 0..20_000u64 {
            let mut bytes = [0; 16];
            let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 10;
            bytes[..8].copy_from_slice(&mixed.to_be_bytes());
            table.insert(Digest::from_bytes(bytes), listed(1));
            if number > 2000 {
                worst = worst.max(table.cells() as f64 * 20.0 / table.len() as f64);
            }
        }
        assert!(worst < 26.5, "{worst} bytes an entry");
    }

    #[test]
    fn disorder_is_refused() {
        let digests = [Digest::from_bytes([2; 16]), Digest::from_bytes([1; 16])];
        let entries = digests.into_iter().map(|digest| (digest, listed(0)));
        assert!(ListedTable::from_sorted(2, entries).is_none());
    }
}
