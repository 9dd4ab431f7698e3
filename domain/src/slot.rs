//! Slots: the 1,024 fixed parts of the code space, and the shards that own ranges of them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How many slots there are. Fixed for ever: identifiers and stored state are keyed by slot.
pub const SLOT_COUNT: u16 = 1024;

/// One of the [`SLOT_COUNT`] parts of the code space. A code's slot never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(u16);

impl Slot {
    /// The slot that a number falls into: its lowest ten bits.
    pub const fn of(number: u64) -> Self {
        Self((number % SLOT_COUNT as u64) as u16)
    }

    /// The slot with this number, or `None` when there is no such slot.
    pub const fn new(number: u16) -> Option<Self> {
        if number < SLOT_COUNT { Some(Self(number)) } else { None }
    }

    /// The number, below [`SLOT_COUNT`].
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// How a node's slots are divided into shards. Chosen when a data directory is made, then fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardLayout {
    shards: u16,
}

impl ShardLayout {
    /// A layout of `shards` equal ranges, or `None` unless that is a power of two from 1 to 1,024.
    pub const fn new(shards: u16) -> Option<Self> {
        if shards.is_power_of_two() && shards <= SLOT_COUNT { Some(Self { shards }) } else { None }
    }

    /// How many shards there are.
    pub const fn shards(self) -> u16 {
        self.shards
    }

    /// How many slots each shard owns.
    pub const fn slots_per_shard(self) -> u16 {
        1 << self.width_bits()
    }

    /// The shard that owns a slot.
    pub const fn shard_of(self, slot: Slot) -> u16 {
        slot.0 >> self.width_bits()
    }

    /// The slots that a shard owns.
    pub const fn slots_of(self, shard: u16) -> Range<u16> {
        let width = self.slots_per_shard();
        shard * width..(shard + 1) * width
    }

    /// Of which power of two the slots of a shard are: asked about every code several times, and
    /// sooner known than a quotient.
    const fn width_bits(self) -> u32 {
        SLOT_COUNT.trailing_zeros() - self.shards.trailing_zeros()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_belongs_to_exactly_one_shard() {
        for shards in [1, 2, 8, 1024] {
            let layout = ShardLayout::new(shards).unwrap();
            for number in 0..SLOT_COUNT {
                let owners = (0..shards).filter(|&shard| layout.slots_of(shard).contains(&number));
                assert_eq!(owners.collect::<Vec<_>>(), [layout.shard_of(Slot(number))]);
            }
        }
    }

    #[test]
    fn layouts_that_cannot_divide_the_slots_are_refused() {
        assert!([0, 3, 100, 2048].into_iter().all(|shards| ShardLayout::new(shards).is_none()));
    }
}
