//! Numbered messages that are taken once, however often they come and in whatever order.
//!
//! A sender numbers its messages upwards and says with each of them below which number it has none
//! left to send. So a receiver remembers only what became of the numbers from there on: everything
//! below is over, and can never happen again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a receiver knows of one sender's messages: everything below a number is over, and of the
/// others these have come, with what became of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window<T> {
    below: u64,
    above: BTreeMap<u64, T>,
}

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
        Self { below: 0, above: BTreeMap::new() }
    }
}

impl<T: Copy> Window<T> {
    /// A window as a snapshot kept it; `None` when a message stands where all is over.
    pub fn restore(below: u64, above: impl IntoIterator<Item = (u64, T)>) -> Option<Self> {
        let above: BTreeMap<u64, T> = above.into_iter().collect();
        let canonical = above.first_key_value().is_none_or(|(&first, _)| first >= below);
        canonical.then_some(Self { below, above })
    }

    /// What is known of a message.
    pub fn look(&self, number: u64) -> Seen<T> {
        match self.above.get(&number) {
            _ if number < self.below => Seen::Over,
            Some(&fate) => Seen::Before(fate),
            None => Seen::Never,
        }
    }

    /// Keeps what became of a message. What is known of it already stays.
    pub fn note(&mut self, number: u64, fate: T) {
        if number >= self.below {
            self.above.entry(number).or_insert(fate);
        }
    }

    /// The sender is done with everything below a number. A lower number than before changes
    /// nothing.
    pub fn end_below(&mut self, number: u64) {
        if number > self.below {
            self.below = number;
            self.above = self.above.split_off(&number);
        }
    }

    /// Below which number everything is over.
    pub fn below(&self) -> u64 {
        self.below
    }

    /// What came of the numbers from there on, in their order.
    pub fn above(&self) -> impl ExactSizeIterator<Item = (u64, T)> + '_ {
        self.above.iter().map(|(&number, &fate)| (number, fate))
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_window_with_what_is_over_is_none() {
        assert!(Window::restore(5, [(4, ())]).is_none());
        assert!(Window::restore(5, [(5, ()), (9, ())]).is_some());
    }
}
