//! Says in the log when the wall clock falls behind what the journal has, and when it has caught up.
//!
//! Each sequence has stamps of its own; those who run the server want one line, not one for each.

use std::sync::atomic::Ordering;

use crate::status::{SequenceStatus, Status};

/// From how far behind on it is worth a word, in milliseconds. A clock that is being set right by
/// less than that changes nothing that anybody notices.
pub const NOTABLE_MS: u64 = 1_000;

/// Says it once when the clock of any sequence is behind, and once when none is any more. Called by
/// each sequence when it has looked at the clock.
pub(crate) fn look(status: &Status) {
    let behind = |one: &SequenceStatus| one.clock_behind_ms.get();
    let behind_ms = status.sequences.iter().map(behind).max().unwrap_or(0);
    let is_behind = behind_ms >= NOTABLE_MS;
    if status.clock_is_behind.swap(is_behind, Ordering::Relaxed) == is_behind {
        return;
    }
    if is_behind {
        tracing::warn!(
            seconds = behind_ms / 1000,
            "the clock is behind the last entries: it was ahead before, or is set wrong now; times \
             stay as they are, and things expire early, until it has caught up"
        );
    } else {
        tracing::info!("the clock has caught up with the last entries");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_the_first_sequence_and_ends_with_the_last() {
        let status = Status::new(2);
        let says = |behind: [u64; 2]| {
            status.sequences.iter().zip(behind).for_each(|(one, ms)| one.clock_behind_ms.set(ms));
            look(&status);
            status.clock_is_behind.load(Ordering::Relaxed)
        };
        assert!(!says([0, NOTABLE_MS - 1]));
        assert!(says([0, NOTABLE_MS]));
        assert!(says([5_000, 0]));
        assert!(!says([0, 0]));
    }
}
