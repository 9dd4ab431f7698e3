//! A flat table of digests of one slot, sorted, without pointers.
//!
//! Digests are uniform, so a digest's own leading bits say about where it stands: this is linear
//! probing with the cells kept in the order of their keys (Amble and Knuth, "Ordered hash tables",
//! The Computer Journal 17, 1974). Because order decides every cell, walking the table is walking
//! its keys in order whatever order they came in, so a snapshot of it is canonical and a snapshot
//! loads by appending. It grows by eighths, so that it is never less than three quarters full.

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
    /// The form of a value, which is never the default.
    fn to_bits(self) -> Self::Bits;
    /// The value; `None` for an empty cell.
    fn from_bits(bits: Self::Bits) -> Option<Self>;
}

/// Digests with their states.
#[derive(Clone, Debug)]
pub(super) struct DigestTable<K, C: Cell> {
    digests: Vec<[u8; 16]>,
    states: Vec<C::Bits>,
    /// How many cells digests are spread over; the cells beyond are for what overflows the last.
    spread: usize,
    count: usize,
    keys: PhantomData<K>,
}

impl<K, C: Cell> Default for DigestTable<K, C> {
    fn default() -> Self {
        let (digests, states) = (Vec::new(), Vec::new());
        Self { digests, states, spread: 0, count: 0, keys: PhantomData }
    }
}

/// A full table is spread over this many cells for each eight digests.
const CELLS_PER_EIGHT: usize = 9;

impl<K: Key, C: Cell> DigestTable<K, C> {
    /// How many digests there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// How many digests there would be room for.
    #[cfg(test)]
    pub(super) fn cells(&self) -> usize {
        self.digests.capacity()
    }

    /// The state of a digest.
    pub(super) fn get(&self, digest: &K) -> Option<C> {
        let place = self.find(digest).ok()?;
        C::from_bits(*self.states.get(place)?)
    }

    /// Changes the state of a digest that is there.
    pub(super) fn set(&mut self, digest: &K, state: C) {
        if let Ok(place) = self.find(digest)
            && let Some(cell) = self.states.get_mut(place)
        {
            *cell = state.to_bits();
        }
    }

    /// Puts a digest in, unless it is there already; whether it was new.
    pub(super) fn insert(&mut self, digest: K, state: C) -> bool {
        self.insert_among(digest, state, |_| true)
    }

    /// The same. When the table has to grow, it keeps only what this says is worth it.
    pub(super) fn insert_among(
        &mut self,
        digest: K,
        state: C,
        is_kept: impl Fn(&C) -> bool,
    ) -> bool {
        if self.find(&digest).is_ok() {
            return false;
        }
        if (self.count + 1) * CELLS_PER_EIGHT > self.spread * 8 {
            self.grow(is_kept);
        }
        if !self.insert_new(digest, state) {
            self.lengthen();
            self.insert_new(digest, state);
        }
        true
    }

    /// All digests with their states, in the order of the digests.
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, C)> + '_ {
        self.digests.iter().zip(&self.states).filter_map(|(digest, &bits)| {
            C::from_bits(bits).map(|state| (K::of_bytes(*digest), state))
        })
    }

    /// A table of digests that come in their order, as a snapshot has them. `None` when they are
    /// out of order or twice.
    pub(super) fn from_sorted(count: usize, entries: impl Iterator<Item = (K, C)>) -> Option<Self> {
        Self::spread_out(count + count / 16, count, entries)
    }

    fn with_room_for(count: usize) -> Self {
        let spread = (count * CELLS_PER_EIGHT).div_ceil(8);
        let cells = if count == 0 { 0 } else { spread + 16 + spread / 128 };
        Self {
            digests: vec![[0; 16]; cells],
            states: vec![C::Bits::default(); cells],
            spread,
            count: 0,
            keys: PhantomData,
        }
    }

    fn grow(&mut self, is_kept: impl Fn(&C) -> bool) {
        let kept = || self.iter().filter(|(_, state)| is_kept(state));
        let count = kept().count();
        if let Some(wider) = Self::spread_out(count + 1 + count / 8, count, kept()) {
            *self = wider;
        }
    }

    /// Makes room for more of what overflows the last cells, which is rare. No digest moves.
    fn lengthen(&mut self) {
        let more = 16 + self.spread / 128;
        self.digests.reserve_exact(more);
        self.states.reserve_exact(more);
        self.digests.resize(self.digests.len() + more, [0; 16]);
        self.states.resize(self.states.len() + more, C::Bits::default());
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
    fn insert_new(&mut self, digest: K, state: C) -> bool {
        let Err(place) = self.find(&digest) else { return true };
        let free = self.states.iter().skip(place).position(|&bits| bits == C::Bits::default());
        let Some(free) = free.map(|distance| place + distance) else { return false };
        self.digests.copy_within(place..free, place + 1);
        self.states.copy_within(place..free, place + 1);
        self.put(place, digest, state.to_bits());
        self.count += 1;
        true
    }

    fn put(&mut self, place: usize, digest: K, bits: C::Bits) {
        if let (Some(cell), Some(state)) = (self.digests.get_mut(place), self.states.get_mut(place))
        {
            *cell = *digest.bytes();
            *state = bits;
        }
    }

    /// The digest's place, or the place where it would have to be inserted.
    fn find(&self, digest: &K) -> Result<usize, usize> {
        let home = self.home(digest);
        let cells = self.digests.iter().zip(&self.states).enumerate().skip(home);
        for (place, (cell, &bits)) in cells {
            if bits == C::Bits::default() || cell > digest.bytes() {
                return Err(place);
            }
            if cell == digest.bytes() {
                return Ok(place);
            }
        }
        Err(self.states.len())
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
