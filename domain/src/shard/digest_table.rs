//! A flat table of digests of one slot, sorted, without pointers.
//!
//! Digests are uniform, so a digest's own leading bits say about where it stands: this is linear
//! probing with the cells kept in the order of their keys (Amble and Knuth, "Ordered hash tables",
//! The Computer Journal 17, 1974). Because order decides every cell, walking the table is walking
//! its keys in order whatever order they came in, so a snapshot of it is canonical and a snapshot
//! loads by appending. A digest and what stands beside it are one cell, so that looking one up touches
//! one place of the memory.

use std::hint::black_box;
use std::marker::PhantomData;

/// What digests are kept: sixteen bytes whose first ten bits are the slot's and whose others are
/// uniform.
pub(super) trait Key: Copy + Ord {
    /// The key with these bytes.
    fn of_bytes(bytes: [u8; 16]) -> Self;
    /// Its bytes.
    fn bytes(&self) -> &[u8; 16];
}

/// What stands beside a digest.
pub(super) trait Cell: Copy {
    /// Its form in memory; the default stands for an empty cell.
    type Bits: Copy + Default + PartialEq + std::fmt::Debug;
    /// A full table is spread over this many cells for each eight digests: the more, the fewer cells
    /// are looked at before a digest or its place is found.
    const CELLS_FOR_EIGHT: usize;
    /// A full table is made anew with room for one of so many more. The less it grows, the less room
    /// is empty, and the more often all digests move.
    const GROWS_BY_ONE_OF: usize;
    /// The form of a value, which is never the default.
    fn to_bits(self) -> Self::Bits;
    /// The value; `None` for an empty cell.
    fn from_bits(bits: Self::Bits) -> Option<Self>;
}

/// Digests with their states.
#[derive(Clone, Debug)]
pub(super) struct DigestTable<K, C: Cell> {
    cells: Vec<Kept<C::Bits>>,
    /// How many cells digests are spread over; the cells beyond are for what overflows the last.
    spread: usize,
    count: usize,
    keys: PhantomData<K>,
}

/// A digest and what stands beside it. An empty cell is all zeros.
#[derive(Clone, Copy, Debug, Default)]
struct Kept<B> {
    digest: [u8; 16],
    bits: B,
}

impl<K, C: Cell> Default for DigestTable<K, C> {
    fn default() -> Self {
        Self { cells: Vec::new(), spread: 0, count: 0, keys: PhantomData }
    }
}

impl<K: Key, C: Cell> DigestTable<K, C> {
    /// How many digests there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// How many digests there would be room for.
    #[cfg(test)]
    pub(super) fn cells(&self) -> usize {
        self.cells.capacity()
    }

    /// The state of a digest.
    pub(super) fn get(&self, digest: &K) -> Option<C> {
        let place = self.find(digest).ok()?;
        C::from_bits(self.cells.get(place)?.bits)
    }

    /// Reads where a digest would stand if all had their own place, so that the processor has it at
    /// hand when it is looked for.
    pub(super) fn bring_up(&self, digest: &K) {
        black_box(self.cells.get(self.home(digest)).map(|cell| cell.bits));
    }

    /// Changes the state of a digest that is there.
    pub(super) fn set(&mut self, digest: &K, state: C) {
        if let Ok(place) = self.find(digest)
            && let Some(cell) = self.cells.get_mut(place)
        {
            cell.bits = state.to_bits();
        }
    }

    /// Puts a digest in, unless it is there already; whether it was new.
    pub(super) fn insert(&mut self, digest: K, state: C) -> bool {
        let Err(place) = self.find(&digest) else { return false };
        self.insert_at(place, digest, state, |_| true);
        true
    }

    /// Gives a digest the state that follows from the one that it has, if it is there. When the table
    /// has to grow, it keeps only what `is_kept` says is worth it.
    pub(super) fn change(
        &mut self,
        digest: K,
        change: impl FnOnce(Option<C>) -> C,
        is_kept: impl Fn(&C) -> bool,
    ) {
        match self.find(&digest) {
            Ok(place) => {
                if let Some(cell) = self.cells.get_mut(place) {
                    cell.bits = change(C::from_bits(cell.bits)).to_bits();
                }
            }
            Err(place) => self.insert_at(place, digest, change(None), is_kept),
        }
    }

    /// All digests with their states, in the order of the digests.
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, C)> + '_ {
        self.cells.iter().filter_map(|cell| {
            C::from_bits(cell.bits).map(|state| (K::of_bytes(cell.digest), state))
        })
    }

    /// A table of digests that come in their order, as a snapshot has them. `None` when they are
    /// out of order or twice.
    pub(super) fn from_sorted(count: usize, entries: impl Iterator<Item = (K, C)>) -> Option<Self> {
        Self::spread_out(count + count / 16, count, entries)
    }

    fn with_room_for(count: usize) -> Self {
        let spread = (count * C::CELLS_FOR_EIGHT).div_ceil(8);
        let cells = if count == 0 { 0 } else { spread + 16 + spread / 128 };
        Self { cells: vec![Kept::default(); cells], spread, count: 0, keys: PhantomData }
    }

    fn grow(&mut self, is_kept: impl Fn(&C) -> bool) {
        let kept = || self.iter().filter(|(_, state)| is_kept(state));
        let count = kept().count();
        let room = count + 1 + count / C::GROWS_BY_ONE_OF;
        if let Some(wider) = Self::spread_out(room, count, kept()) {
            *self = wider;
        }
    }

    /// Makes room for more of what overflows the last cells, which is rare. No digest moves.
    fn lengthen(&mut self) {
        let more = 16 + self.spread / 128;
        self.cells.reserve_exact(more);
        self.cells.resize(self.cells.len() + more, Kept::default());
    }

    /// Spreads sorted entries over a table for `room` of them. `None` when the entries are out of
    /// order or twice.
    fn spread_out(
        room: usize,
        count: usize,
        entries: impl Iterator<Item = (K, C)>,
    ) -> Option<Self> {
        let mut table = Self::with_room_for(room.max(count));
        let mut previous: Option<K> = None;
        let mut next = 0;
        for (digest, state) in entries {
            if previous.is_some_and(|previous| previous >= digest) {
                return None;
            }
            previous = Some(digest);
            let place = table.home(&digest).max(next);
            if place >= table.cells.len() {
                table.lengthen();
            }
            table.put(place, digest, state);
            table.count += 1;
            next = place + 1;
        }
        Some(table)
    }

    /// Inserts a digest that is not there, at the place where it belongs as the table is now.
    fn insert_at(&mut self, place: usize, digest: K, state: C, is_kept: impl Fn(&C) -> bool) {
        let mut place = place;
        if (self.count + 1) * C::CELLS_FOR_EIGHT > self.spread * 8 {
            self.grow(is_kept);
            place = self.find(&digest).unwrap_or_else(|place| place);
        }
        let is_free = |cell: &Kept<C::Bits>| cell.bits == C::Bits::default();
        let free = match self.cells.iter().skip(place).position(is_free) {
            Some(distance) => place + distance,
            None => {
                let end = self.cells.len();
                self.lengthen();
                end
            }
        };
        self.cells.copy_within(place..free, place + 1);
        self.put(place, digest, state);
        self.count += 1;
    }

    fn put(&mut self, place: usize, digest: K, state: C) {
        if let Some(cell) = self.cells.get_mut(place) {
            *cell = Kept { digest: *digest.bytes(), bits: state.to_bits() };
        }
    }

    /// The digest's place, or the place where it would have to be inserted.
    fn find(&self, digest: &K) -> Result<usize, usize> {
        let wanted = u128::from_be_bytes(*digest.bytes());
        let cells = self.cells.iter().enumerate().skip(self.home(digest));
        for (place, cell) in cells {
            let there = u128::from_be_bytes(cell.digest);
            if there > wanted || cell.bits == C::Bits::default() {
                return Err(place);
            }
            if there == wanted {
                return Ok(place);
            }
        }
        Err(self.cells.len())
    }

    /// Where a digest stands in an empty table. All digests of a slot share their first ten bits,
    /// so the 32 after those spread them.
    fn home(&self, digest: &K) -> usize {
        let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = *digest.bytes();
        let leading = u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
        let spreading = (leading << 10) >> 32;
        ((u128::from(spreading) * self.spread as u128) >> 32) as usize
    }
}
