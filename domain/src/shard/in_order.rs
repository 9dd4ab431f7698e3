//! What begins in the order of its numbers and ends nearly in that order: a queue with gaps.

use std::collections::VecDeque;

use crate::delivery::{ROOM_TO_KEEP, give_room_back};

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

    /// Takes the values of numbers out, as far as they are there. The numbers come in their order.
    pub(super) fn take_all(&mut self, numbers: &[u64]) -> Vec<T> {
        let mut taken = Vec::with_capacity(numbers.len());
        let mut place = 0;
        for &number in numbers {
            place = self.find_from(place, number);
            if let Some((known, value)) = self.places.get_mut(place)
                && *known == number
                && let Some(value) = value.take()
            {
                taken.push(value);
            }
        }
        self.count -= taken.len();
        self.close_gaps();
        taken
    }

    /// Whether the value of a number is there.
    pub(super) fn contains(&self, number: u64) -> bool {
        let found = self.places.get(self.find_from(0, number));
        found.is_some_and(|(known, value)| *known == number && value.is_some())
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

    /// The first place, at or behind one, with a number or a higher one. Mostly it is near, so it is
    /// searched for in steps that double.
    fn find_from(&self, mut from: usize, number: u64) -> usize {
        let is_lower =
            |place: usize| self.places.get(place).is_some_and(|(known, _)| *known < number);
        let mut step = 1;
        while is_lower(from + step - 1) {
            from += step;
            step *= 2;
        }
        let mut to = from + step - 1;
        while from < to {
            let middle = from + (to - from) / 2;
            if is_lower(middle) { from = middle + 1 } else { to = middle }
        }
        from
    }

    fn close_gaps(&mut self) {
        while self.places.front().is_some_and(|(_, value)| value.is_none()) {
            self.places.pop_front();
        }
        if self.places.len() > ROOM_TO_KEEP.max(self.count * 4) {
            self.places.retain(|(_, value)| value.is_some());
        }
        give_room_back(&mut self.places);
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
            steps in proptest::collection::vec(
                (any::<bool>(), proptest::collection::vec(0..40u64, 0..6)), 0..300)
        ) {
            let (mut queue, mut map, mut last) = (InOrder::default(), BTreeMap::new(), 0);
            for (is_push, numbers) in steps {
                if is_push {
                    last += 1 + numbers.len() as u64 % 3;
                    queue.push(last, last);
                    map.insert(last, last);
                } else {
                    let mut numbers: Vec<u64> =
                        numbers.iter().map(|back| last.saturating_sub(*back)).collect();
                    numbers.sort_unstable();
                    for number in &numbers {
                        prop_assert_eq!(queue.contains(*number), map.contains_key(number));
                    }
                    let expected = numbers.iter().filter_map(|number| map.remove(number));
                    prop_assert_eq!(queue.take_all(&numbers), expected.collect::<Vec<_>>());
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
            assert_eq!(queue.take_all(&[number]), [number]);
        }
        assert!(queue.places.len() <= ROOM_TO_KEEP, "{} places", queue.places.len());
        assert_eq!((queue.first(), queue.len()), (Some(&0), 1));
        assert_eq!(queue.take_all(&[0]), [0]);
        assert_eq!((queue.first(), queue.len(), queue.places.len()), (None, 0, 0));
    }
}
