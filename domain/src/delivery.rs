//! Numbered messages that are taken once, however often they come and in whatever order.
//!
//! A sender numbers its messages upwards and says with each of them below which number it has none
//! left to send. So a receiver remembers only what became of the numbers from there on: everything
//! below is over, and can never happen again.

use std::collections::{BTreeMap, VecDeque};

/// What a receiver knows of one sender's messages: everything below a number is over, and of the
/// others these have come, with what became of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<T> {
    below: u64,
    /// In the order of their numbers. Messages come nearly in that order, so a new one stands at the
    /// end or not far from it, and what is over is at the front.
    above: VecDeque<(u64, T)>,
}

/// For how many messages there is always room once there was.
pub(crate) const ROOM_TO_KEEP: usize = 1024;

/// What is known of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// It has not come.
    Never,
    /// It came, and this became of it.
    Before(T),
    /// The sender is done with it; what became of it is forgotten.
    Over,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self { below: 0, above: VecDeque::new() }
    }
}

impl<T: Copy> Window<T> {
    /// A window as a snapshot kept it; `None` when a message stands where all is over.
    pub fn restore(below: u64, above: impl IntoIterator<Item = (u64, T)>) -> Option<Self> {
        let above: BTreeMap<u64, T> = above.into_iter().collect();
        let canonical = above.first_key_value().is_none_or(|(&first, _)| first >= below);
        canonical.then(|| Self { below, above: above.into_iter().collect() })
    }

    /// What is known of a message.
    pub fn look(&self, number: u64) -> Seen<T> {
        if number < self.below {
            return Seen::Over;
        }
        let known = self.find(number).ok().and_then(|place| self.above.get(place));
        known.map_or(Seen::Never, |&(_, fate)| Seen::Before(fate))
    }

    /// Keeps what became of a message. What is known of it already stays.
    pub fn note(&mut self, number: u64, fate: T) {
        if number >= self.below
            && let Err(place) = self.find(number)
        {
            self.above.insert(place, (number, fate));
        }
    }

    /// The sender is done with everything below a number. A lower number than before changes
    /// nothing.
    pub fn end_below(&mut self, number: u64) {
        if number <= self.below {
            return;
        }
        self.below = number;
        while self.above.front().is_some_and(|&(first, _)| first < number) {
            self.above.pop_front();
        }
        give_room_back(&mut self.above);
    }

    /// Where a message stands, or where it would have to be inserted.
    fn find(&self, number: u64) -> Result<usize, usize> {
        match self.above.back() {
            Some(&(last, _)) if number <= last => {
                self.above.binary_search_by_key(&number, |&(known, _)| known)
            }
            _ => Err(self.above.len()),
        }
    }

    /// Below which number everything is over.
    pub fn below(&self) -> u64 {
        self.below
    }

    /// What came of the numbers from there on, in their order.
    pub fn above(&self) -> impl ExactSizeIterator<Item = (u64, T)> + '_ {
        self.above.iter().copied()
    }
}

/// Gives back most of the room of a queue that was much longer than it is: once in a long time, so
/// that it costs next to nothing.
pub(crate) fn give_room_back<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() > ROOM_TO_KEEP.max(queue.len() * 8) {
        queue.shrink_to(ROOM_TO_KEEP.max(queue.len() * 2));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_new_once() {
        let mut window = Window::default();
        assert_eq!(window.look(7), Seen::Never);
        window.note(7, 'a');
        window.note(7, 'b');
        assert_eq!(window.look(7), Seen::Before('a'), "what is known stays");
        window.end_below(7);
        assert_eq!((window.look(6), window.look(7)), (Seen::Over, Seen::Before('a')));
        window.note(3, 'c');
        window.end_below(5);
        assert_eq!((window.below(), window.above().len()), (7, 1));
        window.end_below(8);
        assert_eq!((window.look(7), window.look(8)), (Seen::Over, Seen::Never));
    }

    proptest! {
        #[test]
        fn it_is_a_map_from_a_number_on(
            steps in proptest::collection::vec((any::<bool>(), 0..60u64), 0..200)
        ) {
            let (mut window, mut map, mut below) = (Window::default(), BTreeMap::new(), 0);
            for (place, &(is_note, number)) in steps.iter().enumerate() {
                if is_note {
                    window.note(number, place);
                    if number >= below {
                        map.entry(number).or_insert(place);
                    }
                } else {
                    window.end_below(number / 2);
                    below = below.max(number / 2);
                    map = map.split_off(&below);
                }
                let known = map.get(&number).map_or(Seen::Never, |&known| Seen::Before(known));
                prop_assert_eq!(window.look(number), if number < below { Seen::Over } else { known });
            }
            prop_assert!(window.above().eq(map.iter().map(|(&number, &known)| (number, known))));
            prop_assert_eq!(Window::restore(window.below(), window.above()), Some(window));
        }
    }

    #[test]
    fn a_window_with_what_is_over_is_none() {
        assert!(Window::restore(5, [(4, ())]).is_none());
        assert!(Window::restore(5, [(5, ()), (9, ())]).is_some());
    }
}
