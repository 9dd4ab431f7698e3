//! What snapshots and ledger have of each sequence, for a journal to be compared with.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::disk::Disk;
use redeemd_persistence::ledger;
use redeemd_persistence::snapshot::{self, Snapshots};

use super::{Error, Offline};

/// What the parts of a directory have of each sequence.
pub(super) struct Parts {
    /// The last entry before the journal's first.
    pub(super) begins: BTreeMap<SequenceId, u64>,
    /// The snapshots that read, newest first.
    pub(super) snapshots: BTreeMap<SequenceId, Vec<u64>>,
    pub(super) ledger: BTreeMap<SequenceId, u64>,
}

impl Parts {
    pub(super) fn newest_snapshot(&self, sequence: SequenceId) -> u64 {
        let numbers = self.snapshots.get(&sequence);
        numbers.and_then(|numbers| numbers.first()).copied().unwrap_or(0)
    }

    /// The last entry that anything but the journal has seen.
    pub(super) fn seen(&self, sequence: SequenceId) -> u64 {
        of(&self.ledger, sequence).max(self.newest_snapshot(sequence))
    }
}

/// A sequence's number, or zero.
pub(super) fn of(numbers: &BTreeMap<SequenceId, u64>, sequence: SequenceId) -> u64 {
    numbers.get(&sequence).copied().unwrap_or(0)
}

impl Offline {
    /// The snapshots that read, newest first.
    pub(super) fn readable_snapshots(
        &self,
        disk: &Arc<dyn Disk>,
    ) -> Result<BTreeMap<SequenceId, Vec<u64>>, Error> {
        let snapshots = Snapshots::look_at(Arc::clone(disk), self.identity().id);
        let mut readable = BTreeMap::new();
        for sequence in self.sequences() {
            let mut numbers = Vec::new();
            for number in snapshots.list(sequence)? {
                match snapshots.read(sequence, number, &mut |_| Ok(())) {
                    Ok(()) => numbers.push(number),
                    Err(snapshot::Error::Disk(error)) => return Err(error.into()),
                    Err(_) => {}
                }
            }
            readable.insert(sequence, numbers);
        }
        Ok(readable)
    }

    /// Up to which entry the ledger has each sequence.
    pub(super) fn ledger_covers(
        &self,
        disk: &dyn Disk,
    ) -> Result<BTreeMap<SequenceId, u64>, Error> {
        let inspection = ledger::inspect(disk, self.identity().id.0, &mut |_, _| {});
        Ok(inspection?.covered.into_iter().collect())
    }
}
