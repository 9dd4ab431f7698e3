//! The book of pending claims: what a shard knows of the claims on its users' uses until it hears
//! what became of them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::in_order::InOrder;
use super::users::UserDigest;
use crate::codes::{CampaignNumber, CodeKey};
use crate::delivery::{ROOM_TO_KEEP, give_room_back};
use crate::rules::Period;
use crate::slot::ShardLayout;
use crate::timestamp::Timestamp;

/// A claim of which it is not known yet here whether its code was redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingClaim {
    /// The number of the entry that made it.
    pub number: u64,
    /// When that was.
    pub at: Timestamp,
    /// The campaign.
    pub campaign: CampaignNumber,
    /// Whose use it is.
    pub user: UserDigest,
    /// In which period it counts.
    pub period: Period,
    /// The code that it was made for.
    pub code: CodeKey,
}

/// The pending claims of a shard: made in the order of their numbers, ended nearly in that order, and
/// thousands of them at any time.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    layout: ShardLayout,
    pending: InOrder<PendingClaim>,
    /// The numbers of those on codes of each shard, oldest first. The first of each queue is pending;
    /// behind it some have ended. Found again from `pending`, hence no part of the canonical state.
    by_code_shard: BTreeMap<u16, VecDeque<u64>>,
    /// How many each user has, found again in the same way.
    by_user: HashMap<(UserDigest, Period), u32, ahash::RandomState>,
}

impl Claims {
    pub(super) fn new(layout: ShardLayout) -> Self {
        let (pending, by_code_shard) = (InOrder::default(), BTreeMap::new());
        Self { layout, pending, by_code_shard, by_user: HashMap::default() }
    }

    /// The pending claims that a snapshot kept.
    pub(super) fn restore(layout: ShardLayout, mut pending: Vec<PendingClaim>) -> Self {
        pending.sort_by_key(|claim| claim.number);
        let mut claims = Self::new(layout);
        pending.into_iter().for_each(|claim| claims.insert(claim));
        claims
    }

    /// Keeps a claim that was made after all others.
    pub(super) fn insert(&mut self, claim: PendingClaim) {
        *self.by_user.entry((claim.user, claim.period)).or_default() += 1;
        let code_shard = self.layout.shard_of(claim.code.slot());
        self.by_code_shard.entry(code_shard).or_default().push_back(claim.number);
        self.pending.push(claim.number, claim);
    }

    /// Ends claims; those of them that were pending. What is settled together was mostly made
    /// together, so in the order of their numbers each is found next to the one before.
    pub(super) fn end(&mut self, mut numbers: Vec<u64>) -> Vec<PendingClaim> {
        numbers.sort_unstable();
        let ended = self.pending.take_all(&numbers);
        for claim in &ended {
            if let Entry::Occupied(mut count) = self.by_user.entry((claim.user, claim.period)) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
            self.forget(claim);
        }
        if self.by_user.is_empty() && self.by_user.capacity() > ROOM_TO_KEEP {
            self.by_user.shrink_to(ROOM_TO_KEEP);
        }
        ended
    }

    /// Takes a claim that has ended off the queue of its code's shard if it stands at the front, and
    /// with it those behind it that ended before; all that have ended where they have become many.
    fn forget(&mut self, ended: &PendingClaim) {
        let code_shard = self.layout.shard_of(ended.code.slot());
        let Some(queue) = self.by_code_shard.get_mut(&code_shard) else { return };
        if queue.front().is_none_or(|first| *first > ended.number) {
            return;
        }
        while queue.front().is_some_and(|first| !self.pending.contains(*first)) {
            queue.pop_front();
        }
        if queue.len() > ROOM_TO_KEEP.max(self.pending.len() * 4) {
            queue.retain(|number| self.pending.contains(*number));
        }
        give_room_back(queue);
    }

    /// How many claims of a user in a period are pending.
    pub(super) fn of_user(&self, user: UserDigest, period: Period) -> u32 {
        self.by_user.get(&(user, period)).copied().unwrap_or(0)
    }

    /// The oldest claim on codes of a shard that is pending.
    pub(super) fn oldest_for(&self, code_shard: u16) -> Option<u64> {
        self.by_code_shard.get(&code_shard)?.front().copied()
    }

    /// The oldest of all.
    pub(super) fn oldest(&self) -> Option<&PendingClaim> {
        self.pending.first()
    }

    /// All of them, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &PendingClaim> {
        self.pending.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codes::Serial;

    const CAMPAIGN: CampaignNumber = CampaignNumber(0);

    /// The claim of one of a few users on a code of one of eight shards.
    fn claim(number: u64, seed: u64) -> PendingClaim {
        let user = UserDigest::new(CAMPAIGN, &(seed % 5).to_string());
        let serial = Serial::new(seed % 8 * 128).unwrap();
        let code = CodeKey::Sealed { campaign: CAMPAIGN, serial };
        PendingClaim { number, at: Timestamp(1), campaign: CAMPAIGN, user, period: Period(0), code }
    }

    proptest! {
        #[test]
        fn the_oldest_claims_and_those_of_users_are_known(
            steps in proptest::collection::vec(
                (any::<bool>(), proptest::collection::vec(0..60u64, 1..30)), 0..60)
        ) {
            let layout = ShardLayout::new(8).unwrap();
            let mut claims = Claims::new(layout);
            let (mut pending, mut last) = (BTreeMap::new(), 0);
            for (are_made, numbers) in steps {
                if are_made {
                    for seed in numbers {
                        last += 1 + seed % 2;
                        claims.insert(claim(last, seed));
                        pending.insert(last, claim(last, seed));
                    }
                } else {
                    let numbers: Vec<u64> =
                        numbers.iter().map(|back| last.saturating_sub(*back)).collect();
                    let sorted: BTreeMap<u64, ()> =
                        numbers.iter().map(|number| (*number, ())).collect();
                    let expected: Vec<PendingClaim> =
                        sorted.keys().filter_map(|number| pending.remove(number)).collect();
                    prop_assert_eq!(claims.end(numbers), expected);
                }
                prop_assert!(claims.iter().eq(pending.values()));
                for shard in 0..8 {
                    let is_there =
                        |claim: &&PendingClaim| layout.shard_of(claim.code.slot()) == shard;
                    let oldest = pending.values().find(is_there).map(|claim| claim.number);
                    prop_assert_eq!(claims.oldest_for(shard), oldest);
                }
                for seed in 0..5 {
                    let PendingClaim { user, period, .. } = claim(0, seed);
                    let count = pending.values().filter(|claim| claim.user == user).count();
                    prop_assert_eq!(claims.of_user(user, period) as usize, count);
                }
            }
        }
    }

    #[test]
    fn what_ends_behind_a_claim_that_does_not_is_forgotten() {
        let mut claims = Claims::new(ShardLayout::new(8).unwrap());
        claims.insert(claim(1, 0));
        for number in 2..20_000 {
            claims.insert(claim(number, 0));
            assert_eq!(claims.end(vec![number]).len(), 1);
        }
        let queue = claims.by_code_shard.get(&0).unwrap();
        assert!(queue.len() <= ROOM_TO_KEEP + 1, "{} numbers", queue.len());
        assert_eq!(claims.oldest_for(0), Some(1));
        assert_eq!(claims.end(vec![1]).len(), 1);
        assert_eq!((claims.oldest_for(0), claims.len()), (None, 0));
    }
}
