//! What can be done about a damaged ledger: it is cut off behind what is whole, and the journal
//! brings back the rest, where it reaches back so far.

use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::journal::Loss;
use redeemd_persistence::ledger::Damage;

use super::parts::{Parts, of};
use super::salvage::{Plan, Way};
use super::{Error, Offline};

/// The entry that a sequence is brought back from where the ledger has it up to `covered`: the
/// newest snapshot that the ledger covers, or the very beginning.
pub(super) fn base(snapshots: &[u64], covered: u64) -> u64 {
    snapshots.iter().copied().filter(|&number| number <= covered).max().unwrap_or(0)
}

impl Offline {
    /// The plan to have the journal make up for what the ledger lost. `parts` have of the ledger
    /// what is whole.
    ///
    /// # Errors
    /// When the journal does not have all of it.
    pub(super) fn rebuild_ledger(
        &self,
        damage: Damage,
        loss: Option<&Loss>,
        ends: std::collections::BTreeMap<SequenceId, u64>,
        parts: &Parts,
    ) -> Result<Plan, Error> {
        let Damage { error, cut } = damage;
        if let Some(loss) = loss {
            return Err(Error::Refused(format!(
                "{error}; and the journal is damaged, too: {} ({}); restore a backup",
                loss.damage, loss.place
            )));
        }
        for sequence in self.sequences() {
            let snapshots = parts.snapshots.get(&sequence).map(Vec::as_slice).unwrap_or_default();
            let (begins, end) = (of(&parts.begins, sequence), of(&ends, sequence));
            let covered = of(&parts.ledger, sequence);
            if begins > base(snapshots, covered) || end < parts.seen(sequence) {
                return Err(Error::Refused(format!(
                    "{error}; of {sequence} the ledger is whole up to entry {covered}, and the \
                     journal has entries {} to {end} alone, which do not make up for what is lost; \
                     restore a backup",
                    begins + 1
                )));
            }
        }
        Ok(Plan {
            reason: error.to_string(),
            way: Way::RebuildLedger,
            lost: Vec::new(),
            lost_outcomes: 0,
            loss: None,
            snapshots: Vec::new(),
            cut: Some(cut),
            ends,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn a_sequence_comes_back_from_the_newest_snapshot_that_the_ledger_covers() {
        for (snapshots, covered, expected) in [
            (&[][..], 100, 0),
            (&[90, 40][..], 100, 90),
            (&[90, 40][..], 90, 90),
            (&[90, 40][..], 89, 40),
            (&[90, 40][..], 39, 0),
        ] {
            assert_eq!(base(snapshots, covered), expected, "{snapshots:?}, {covered}");
        }
    }
}
