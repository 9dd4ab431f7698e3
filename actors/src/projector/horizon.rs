//! Keeps outcomes of shards from arriving before the campaigns that they belong to.
//!
//! Sequences are written each by itself. Were a redemption there and its campaign not yet when the
//! data directory is lost, it could not be rebuilt. So a shard is written only as far as it was
//! durable at a moment up to which the control sequence has been written. Records reach the ledger
//! before anybody hears of what they say, hence in the order of cause and effect: whatever a shard's
//! record depends on was appended before it.

use std::collections::BTreeMap;

use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::postgres::Checkpoint;

/// How far the shards may be written, and how far they may be next. A plain value.
#[derive(Clone, Debug, Default)]
pub(super) struct Horizon {
    /// How far each shard may be written.
    allowed: BTreeMap<SequenceId, u64>,
    /// How far it may be once the control sequence is written up to an entry.
    next: Option<(u64, BTreeMap<SequenceId, u64>)>,
}

impl Horizon {
    /// Takes where the database stands, how far the ledger durably is, and then, read after that,
    /// how far the control sequence was appended. Gives how far each shard may be written.
    pub(super) fn look(
        &mut self,
        checkpoints: &BTreeMap<SequenceId, Checkpoint>,
        durable: &BTreeMap<SequenceId, u64>,
        control: u64,
    ) -> impl Iterator<Item = (SequenceId, u64)> {
        let written = checkpoints.get(&SequenceId::CONTROL).map_or(0, |it| it.through);
        let next = self.next.take().unwrap_or_else(|| (control, durable.clone()));
        if next.0 <= written {
            self.allowed = next.1;
            // Where the control sequence has nothing new, everything may be written at once.
            if control <= written {
                self.allowed.clone_from(durable);
            } else {
                self.next = Some((control, durable.clone()));
            }
        } else {
            self.next = Some(next);
        }
        let allowed = checkpoints.keys().map(|&sequence| match sequence {
            SequenceId::CONTROL => (sequence, u64::MAX),
            shard => (shard, self.allowed.get(&shard).copied().unwrap_or(0)),
        });
        allowed.collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use redeemd_persistence::postgres::Chain;

    use super::*;

    const SHARD: SequenceId = SequenceId::shard(0);

    fn look(horizon: &mut Horizon, written: u64, durable: u64, control: u64) -> u64 {
        let at = |through| Checkpoint { through, chain: Chain([0; 16]) };
        let checkpoints = BTreeMap::from([(SequenceId::CONTROL, at(written)), (SHARD, at(0))]);
        let durable = BTreeMap::from([(SequenceId::CONTROL, 0), (SHARD, durable)]);
        let allowed: BTreeMap<_, _> = horizon.look(&checkpoints, &durable, control).collect();
        assert_eq!(allowed[&SequenceId::CONTROL], u64::MAX);
        allowed[&SHARD]
    }

    #[test]
    fn a_shard_waits_for_what_the_control_sequence_said_before() {
        let mut horizon = Horizon::default();
        assert_eq!(look(&mut horizon, 0, 10, 5), 0, "its campaign may be among those five");
        assert_eq!(look(&mut horizon, 4, 20, 6), 0);
        assert_eq!(
            look(&mut horizon, 5, 20, 6),
            10,
            "and the sixth may be that of what came since"
        );
        assert_eq!(look(&mut horizon, 5, 30, 7), 10);
        assert_eq!(
            look(&mut horizon, 6, 30, 7),
            20,
            "which it gets in its turn, however many follow"
        );
    }

    #[test]
    fn where_the_control_sequence_is_written_nothing_waits() {
        let mut horizon = Horizon::default();
        assert_eq!(look(&mut horizon, 5, 10, 5), 10);
        assert_eq!(look(&mut horizon, 5, 11, 5), 11);
    }
}
