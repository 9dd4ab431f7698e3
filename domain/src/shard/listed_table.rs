//! The listed codes of one slot: a flat table of digests, sorted, without pointers.
//!
//! Digests are uniform, so a digest's own leading bits say about where it stands: this is linear
//! probing with the cells kept in the order of their keys (Amble and Knuth, "Ordered hash tables",
//! The Computer Journal 17, 1974). Because order decides every cell, walking the table is walking
//! its keys in order whatever order they came in, so a snapshot of it is canonical and a snapshot
//! loads by appending. It grows by eighths, so that it is never less than three quarters full.

use crate::codes::Digest;

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

impl Listed {
    /// The four bytes that stand in memory and in snapshots.
    pub(super) fn to_bits(self) -> u32 {
        let redeemed = if self.redeemed { REDEEMED } else { 0 };
        let exceptional = if self.exceptional { EXCEPTIONAL } else { 0 };
        OCCUPIED | redeemed | exceptional | (self.owner & ((1 << OWNER_BITS) - 1))
    }

    /// The state that four bytes stand for; `None` where they stand for an empty cell.
    pub(super) fn from_bits(bits: u32) -> Option<Self> {
        (bits & OCCUPIED != 0).then_some(Self {
            owner: bits & ((1 << OWNER_BITS) - 1),
            redeemed: bits & REDEEMED != 0,
            exceptional: bits & EXCEPTIONAL != 0,
        })
    }
}

/// Digests with their states, twenty bytes each.
#[derive(Clone, Debug, Default)]
pub(super) struct ListedTable {
    digests: Vec<[u8; 16]>,
    states: Vec<u32>,
    /// How many cells digests are spread over; the cells beyond are for what overflows the last.
    spread: usize,
    count: usize,
}

/// A full table is spread over this many cells for each eight digests.
const CELLS_PER_EIGHT: usize = 9;

impl ListedTable {
    /// How many digests there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The state of a digest.
    pub(super) fn get(&self, digest: &Digest) -> Option<Listed> {
        let place = self.find(digest).ok()?;
        Listed::from_bits(*self.states.get(place)?)
    }

    /// Changes the state of a digest that is there.
    pub(super) fn set(&mut self, digest: &Digest, state: Listed) {
        if let Ok(place) = self.find(digest)
            && let Some(cell) = self.states.get_mut(place)
        {
            *cell = state.to_bits();
        }
    }

    /// Puts a digest in, unless it is there already; whether it was new.
    pub(super) fn insert(&mut self, digest: Digest, state: Listed) -> bool {
        if self.find(&digest).is_ok() {
            return false;
        }
        if (self.count + 1) * CELLS_PER_EIGHT > self.spread * 8 {
            self.grow(self.count + 1 + self.count / 8);
        }
        if !self.insert_new(digest, state) {
            self.lengthen();
            self.insert_new(digest, state);
        }
        true
    }

    /// All digests with their states, in the order of the digests.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Digest, Listed)> + '_ {
        self.digests.iter().zip(&self.states).filter_map(|(digest, &bits)| {
            Listed::from_bits(bits).map(|state| (Digest::from_bytes(*digest), state))
        })
    }

    /// A table of digests that come in their order, as a snapshot has them. `None` when they are
    /// out of order or twice.
    pub(super) fn from_sorted(
        count: usize,
        entries: impl Iterator<Item = (Digest, Listed)>,
    ) -> Option<Self> {
        Self::spread_out(count + count / 16, count, entries)
    }

    fn with_room_for(count: usize) -> Self {
        let spread = (count * CELLS_PER_EIGHT).div_ceil(8);
        let cells = if count == 0 { 0 } else { spread + 16 + spread / 128 };
        Self { digests: vec![[0; 16]; cells], states: vec![0; cells], spread, count: 0 }
    }

    fn grow(&mut self, room: usize) {
        if let Some(wider) = Self::spread_out(room, self.count, self.iter()) {
            *self = wider;
        }
    }

    /// Makes room for more of what overflows the last cells, which is rare. No digest moves.
    fn lengthen(&mut self) {
        let more = 16 + self.spread / 128;
        self.digests.reserve_exact(more);
        self.states.reserve_exact(more);
        self.digests.resize(self.digests.len() + more, [0; 16]);
        self.states.resize(self.states.len() + more, 0);
    }

    /// Spreads sorted entries over a table for `room` of them. `None` when the entries are out of
    /// order or twice.
    fn spread_out(
        room: usize,
        count: usize,
        entries: impl Iterator<Item = (Digest, Listed)>,
    ) -> Option<Self> {
        let mut table = Self::with_room_for(room.max(count));
        let mut previous: Option<Digest> = None;
        let mut next = 0;
        for (digest, state) in entries {
            if previous.is_some_and(|previous| previous >= digest) {
                return None;
            }
            previous = Some(digest);
            let place = table.home(&digest).max(next);
            if place >= table.states.len() {
                table.lengthen();
            }
            table.put(place, digest, state.to_bits());
            table.count += 1;
            next = place + 1;
        }
        Some(table)
    }

    /// Inserts a digest that is not there; `false` when there is no free cell after its place.
    fn insert_new(&mut self, digest: Digest, state: Listed) -> bool {
        let Err(place) = self.find(&digest) else { return true };
        let free = self.states.iter().skip(place).position(|&bits| bits == 0);
        let Some(free) = free.map(|distance| place + distance) else { return false };
        self.digests.copy_within(place..free, place + 1);
        self.states.copy_within(place..free, place + 1);
        self.put(place, digest, state.to_bits());
        self.count += 1;
        true
    }

    fn put(&mut self, place: usize, digest: Digest, bits: u32) {
        if let (Some(cell), Some(state)) = (self.digests.get_mut(place), self.states.get_mut(place))
        {
            *cell = *digest.as_bytes();
            *state = bits;
        }
    }

    /// The digest's place, or the place where it would have to be inserted.
    fn find(&self, digest: &Digest) -> Result<usize, usize> {
        let home = self.home(digest);
        let cells = self.digests.iter().zip(&self.states).enumerate().skip(home);
        for (place, (cell, &bits)) in cells {
            if bits == 0 || cell > digest.as_bytes() {
                return Err(place);
            }
            if cell == digest.as_bytes() {
                return Ok(place);
            }
        }
        Err(self.states.len())
    }

    /// Where a digest stands in an empty table. All digests of a slot share their first ten bits,
    /// so the 32 after those spread them.
    fn home(&self, digest: &Digest) -> usize {
        let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = *digest.as_bytes();
        let leading = u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
        let spreading = (leading << 10) >> 32;
        ((u128::from(spreading) * self.spread as u128) >> 32) as usize
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
                worst = worst.max(table.digests.capacity() as f64 * 20.0 / table.len() as f64);
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
