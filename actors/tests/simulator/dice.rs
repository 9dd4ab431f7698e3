//! What the simulator draws: everything from one generator of one seed, so that a seed is a
//! history. It must never know what is drawn for.

pub(crate) use redeemd_persistence::disk::simulated::Random;

/// Conveniences for drawing.
pub(crate) trait Dice {
    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64;

    /// `true` in so many of a hundred cases.
    fn percent(&mut self, odds: u64) -> bool;

    /// One of the items.
    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T;

    /// A place in something of this length, which is not empty.
    fn place(&mut self, length: usize) -> usize;
}

impl Dice for Random {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn percent(&mut self, odds: u64) -> bool {
        self.below(100) < odds
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    fn place(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }
}
