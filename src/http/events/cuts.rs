//! The ends of the ledger at moments that lie close together.
//!
//! A piece of the stream never reaches beyond the next of them. So listeners that began at different
//! positions meet at the first one, and from there on are sent the same pieces.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::service::EventPosition;

/// How many bytes the kept ones may take.
const BYTES: usize = 4 << 20;

/// The newest ends, the oldest first.
#[derive(Debug)]
pub(super) struct Cuts {
    kept: Mutex<VecDeque<EventPosition>>,
    most: usize,
}

impl Cuts {
    /// None yet, of so many sequences.
    pub(super) fn new(sequences: usize) -> Self {
        let most = (BYTES / (8 * sequences.max(1))).clamp(64, 4096);
        Self { kept: Mutex::default(), most }
    }

    /// Keeps an end, if it is beyond the last one.
    pub(super) fn add(&self, end: EventPosition) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.back().is_some_and(|last| !end.is_beyond(last)) {
            return false;
        }
        if kept.len() == self.most {
            kept.pop_front();
        }
        kept.push_back(end);
        true
    }

    /// The first one that lies beyond a position; `None` where nothing is known to come after it.
    pub(super) fn next_after(&self, position: &EventPosition) -> Option<EventPosition> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Each is beyond the one before it, so that those beyond a position stand together.
        let first = kept.partition_point(|cut| !cut.is_beyond(position));
        kept.get(first).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_cut_is_the_first_that_leaves_nothing_out() {
        let position = |numbers: [u64; 2]| EventPosition::new(numbers.to_vec());
        let cuts = Cuts::new(2);
        assert_eq!(cuts.next_after(&position([0, 0])), None);
        assert!(cuts.add(position([1, 1])));
        assert!(!cuts.add(position([1, 1])));
        assert!(cuts.add(position([1, 5])));
        assert!(cuts.add(position([4, 6])));
        for (after, next) in [
            ([0, 0], Some([1, 1])),
            ([1, 1], Some([1, 5])),
            ([1, 3], Some([1, 5])),
            ([3, 0], Some([4, 6])),
            ([4, 6], None),
            ([5, 6], None),
        ] {
            assert_eq!(cuts.next_after(&position(after)), next.map(position), "{after:?}");
        }
    }

    #[test]
    fn only_so_many_are_kept() {
        let cuts = Cuts::new(1);
        (1..=5000).for_each(|number| assert!(cuts.add(EventPosition::new(vec![number]))));
        let first = cuts.next_after(&EventPosition::beginning(1));
        assert_eq!(first, Some(EventPosition::new(vec![905])));
    }
}
