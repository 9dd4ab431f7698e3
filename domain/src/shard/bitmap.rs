//! A growing set of small numbers, one bit each: which codes of a campaign in a slot have been
//! redeemed once.
//!
//! It takes exactly the memory that it was told to expect, not the doubled capacity that a growing
//! vector would take: at a hundred million codes the difference is what a shard costs.

/// A set of numbers from 0, dense from the beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct Bitmap {
    words: Vec<u64>,
}

const WORD_BITS: u32 = u64::BITS;

impl Bitmap {
    /// The bitmap whose words a snapshot kept.
    pub(super) fn from_words(words: Vec<u64>) -> Self {
        Self { words }
    }

    /// Whether the number is in the set.
    pub(super) fn contains(&self, number: u32) -> bool {
        let word = self.words.get((number / WORD_BITS) as usize).copied().unwrap_or(0);
        word & (1 << (number % WORD_BITS)) != 0
    }

    /// Puts a number into the set. `expected` is how many numbers there may be by what is known
    /// now; room is made for exactly so many.
    pub(super) fn insert(&mut self, number: u32, expected: u32) {
        let place = (number / WORD_BITS) as usize;
        if place >= self.words.len() {
            let length = (expected.div_ceil(WORD_BITS) as usize).max(place + 1);
            self.words.reserve_exact(length - self.words.len());
            self.words.resize(length, 0);
        }
        if let Some(word) = self.words.get_mut(place) {
            *word |= 1 << (number % WORD_BITS);
        }
    }

    /// Takes a number out of the set.
    pub(super) fn remove(&mut self, number: u32) {
        if let Some(word) = self.words.get_mut((number / WORD_BITS) as usize) {
            *word &= !(1 << (number % WORD_BITS));
        }
    }

    /// The words up to the last that is not zero: two equal sets have equal words, however much
    /// room they take.
    pub(super) fn canonical_words(&self) -> &[u64] {
        let length = self.words.iter().rposition(|&word| word != 0).map_or(0, |last| last + 1);
        &self.words[..length]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(steps in proptest::collection::vec((any::<bool>(), 0..500u32), 0..200), expected in 0..600u32) {
            let (mut bitmap, mut set) = (Bitmap::default(), BTreeSet::new());
            for (insert, number) in steps {
                if insert { bitmap.insert(number, expected); set.insert(number); }
                else { bitmap.remove(number); set.remove(&number); }
            }
            prop_assert!((0..700).all(|number| bitmap.contains(number) == set.contains(&number)));
            let again = Bitmap::from_words(bitmap.canonical_words().to_vec());
            prop_assert!((0..700).all(|number| again.contains(number) == set.contains(&number)));
        }
    }

    #[test]
    fn it_takes_exactly_the_room_that_was_expected() {
        let mut bitmap = Bitmap::default();
        bitmap.insert(3, 97_657);
        assert_eq!(bitmap.words.capacity(), 1526);
        bitmap.insert(97_656, 97_657);
        assert_eq!(bitmap.words.capacity(), 1526);
    }
}
