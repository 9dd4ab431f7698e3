//! A place between events: how far each sequence was looked at.

use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::ledger::LedgerReader;

/// How far each sequence was looked at, the control sequence first: everything up to these numbers
/// came before, everything after them comes later.
///
/// Sequences are independent, so two positions need not come one before the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventPosition(Box<[u64]>);

impl EventPosition {
    /// Before everything, in so many sequences.
    pub fn beginning(sequences: usize) -> Self {
        Self(vec![0; sequences].into())
    }

    /// These numbers, the control sequence first.
    pub fn new(numbers: Vec<u64>) -> Self {
        Self(numbers.into())
    }

    /// After everything that the ledger has of so many sequences.
    ///
    /// What a shard does may follow from what the control sequence did, never the other way round.
    /// So the control sequence is looked at last: no effect comes without its cause.
    pub fn end(ledger: &LedgerReader, sequences: usize) -> Self {
        let mut end = Self::beginning(sequences);
        for sequence in (0..sequences as u16).rev().map(SequenceId) {
            end.set(sequence, ledger.appended(sequence));
        }
        end
    }

    /// The numbers, the control sequence first.
    pub fn numbers(&self) -> &[u64] {
        &self.0
    }

    /// How far a sequence was looked at.
    pub fn number(&self, sequence: SequenceId) -> u64 {
        self.0.get(sequence.index()).copied().unwrap_or(0)
    }

    /// Says how far a sequence was looked at.
    pub fn set(&mut self, sequence: SequenceId, number: u64) {
        if let Some(known) = self.0.get_mut(sequence.index()) {
            *known = number;
        }
    }

    /// Whether no sequence is further in the other one.
    pub fn has_reached(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(own, its)| own >= its)
    }

    /// Whether it has reached the other one and is further somewhere.
    pub fn is_beyond(&self, other: &Self) -> bool {
        self != other && self.has_reached(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_ordered_only_where_no_sequence_contradicts() {
        let position = |numbers: [u64; 3]| EventPosition::new(numbers.to_vec());
        let (one, two) = (position([1, 5, 2]), position([2, 5, 2]));
        assert!(two.is_beyond(&one) && !one.is_beyond(&two) && !one.is_beyond(&one));
        assert!(one.has_reached(&one));
        let aside = position([0, 6, 2]);
        assert!(!aside.has_reached(&one) && !one.has_reached(&aside));
        assert!(!EventPosition::beginning(4).has_reached(&EventPosition::beginning(3)));
    }
}
