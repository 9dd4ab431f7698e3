//! What became of attempts with a claim.

use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{Acknowledgement, Claim, Fate, Shard};

use super::numbers::Numbers;
use crate::oracle::shard_model::ShardModel;

impl ShardModel {
    /// Whether a claim is void, because it served an attempt before or is settled.
    pub(in crate::oracle) fn is_void(&self, claim: Claim) -> bool {
        let numbers = self.limits.attempts.get(&claim.shard);
        let is_new = |numbers: &Numbers<Fate>| numbers.is_new(claim.number, claim.resolved_below);
        !numbers.map_or(claim.number >= claim.resolved_below, is_new)
    }

    /// What became of an attempt with a claim of a shard, if it came; below what its shard said,
    /// none can come any more.
    pub(crate) fn fate(&self, shard: u16, number: u64) -> Option<Fate> {
        let numbers = self.limits.attempts.get(&shard)?;
        if number < numbers.below {
            return Some(Fate::Refused);
        }
        numbers.known.get(&number).copied()
    }

    /// Takes in what became of an attempt with a claim.
    pub(in crate::oracle) fn absorb_attempt(&mut self, claim: Claim, outcome: &Outcome<Shard>) {
        let numbers = self.limits.attempts.entry(claim.shard).or_default();
        numbers.end_below(claim.resolved_below);
        let fate = match outcome {
            Outcome::Acknowledged(
                Acknowledgement::ClaimVoid | Acknowledgement::ShareFirst { .. },
            ) => return,
            Outcome::Done(record) if record.claim() == Some(claim) => Fate::Granted,
            _ => Fate::Refused,
        };
        let former = numbers.known.insert(claim.number, fate);
        assert_eq!(former, None, "{claim:?} served two attempts");
    }
}
