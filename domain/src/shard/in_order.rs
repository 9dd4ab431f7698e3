//! What begins in the order of its numbers and ends nearly in that order: a queue with gaps.

use std::collections::VecDeque;

use crate::delivery::{ROOM_TO_KEEP, give_room_back};

/// How many of the first are looked at before a number is searched for: most ends are there.
const AT_THE_FRONT: usize = 8;

/// Values by their numbers, which only grow.
#[derive(Clone, Debug)]
pub(super) struct InOrder<T> {
    /// What has ended leaves a gap. The first is never one, and gaps are never many more than values.
    places: VecDeque<(u64, Option<T>)>,
    count: usize,
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self { places: VecDeque::new(), count: 0 }
    }
}

impl<T> InOrder<T> {
    /// Puts a value behind all others: its number is higher than any before.
    pub(super) fn push(&mut self, number: u64, value: T) {
        self.places.push_back((number, Some(value)));
        self.count += 1;
    }

    /// Takes the value of a number out, if it is there.
    pub(super) fn take(&mut self, number: u64) -> Option<T> {
        let place = self.find(number)?;
        let (_, value) = self.places.get_mut(place)?;
        let taken = value.take()?;
        self.count -= 1;
        while self.places.front().is_some_and(|(_, value)| value.is_none()) {
            self.places.pop_front();
        }
        if self.places.len() > ROOM_TO_KEEP.max(self.count * 4) {
            self.places.retain(|(_, value)| value.is_some());
        }
        give_room_back(&mut self.places);
        Some(taken)
    }

    /// The value with the lowest number.
    pub(super) fn first(&self) -> Option<&T> {
        self.places.front().and_then(|(_, value)| value.as_ref())
    }

    /// All values, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|(_, value)| value.as_ref())
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    fn find(&self, number: u64) -> Option<usize> {
        let front = self.places.iter().take(AT_THE_FRONT);
        front
            .map(|(known, _)| *known)
            .position(|known| known == number)
            .or_else(|| self.places.binary_search_by_key(&number, |(known, _)| *known).ok())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_that_grows_at_its_end(
            steps in proptest::collection::vec((0..3u8, 0..40u64), 0..300)
        ) {
            let (mut queue, mut map, mut last) = (InOrder::default(), BTreeMap::new(), 0);
            for (kind, number) in steps {
                if kind == 0 {
                    last += 1 + number % 3;
                    queue.push(last, last);
                    map.insert(last, last);
                } else {
                    let number = last.saturating_sub(number);
                    prop_assert_eq!(queue.take(number), map.remove(&number));
                }
                prop_assert_eq!(queue.first(), map.values().next());
                prop_assert_eq!(queue.len(), map.len());
            }
            prop_assert!(queue.iter().eq(map.values()));
        }
    }

    #[test]
    fn gaps_behind_one_that_does_not_end_are_closed() {
        let mut queue = InOrder::default();
        queue.push(0, 0);
        for number in 1..1_000_000 {
            queue.push(number, number);
            assert_eq!(queue.take(number), Some(number));
        }
        assert!(queue.places.len() <= ROOM_TO_KEEP, "{} places", queue.places.len());
        assert_eq!((queue.first(), queue.len()), (Some(&0), 1));
        assert_eq!(queue.take(0), Some(0));
        assert_eq!((queue.first(), queue.len(), queue.places.len()), (None, 0, 0));
    }
}
