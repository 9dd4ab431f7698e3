//! Numbered messages, of which each counts once.

use std::collections::BTreeMap;

/// What became of numbered messages; below a number everything is over.
#[derive(Debug)]
pub(super) struct Numbers<T> {
    pub(super) below: u64,
    pub(super) known: BTreeMap<u64, T>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { below: 0, known: BTreeMap::new() }
    }
}

impl<T> Numbers<T> {
    pub(super) fn is_new(&self, number: u64, below: u64) -> bool {
        number >= self.below.max(below) && !self.known.contains_key(&number)
    }

    pub(super) fn end_below(&mut self, number: u64) {
        self.below = self.below.max(number);
        self.known.retain(|known, _| *known >= number);
    }
}
