//! Sums over all sequences that balance at every moment, whatever is under way. The models know of
//! every sequence what its journal was heard to have; since no effect is sent before its cause was
//! heard, they never know an effect without its cause.

use std::collections::BTreeMap;

use redeemd_domain::rules::Period;
use redeemd_domain::shard::{Fate, UserDigest};

use super::World;

impl World {
    /// Asserts all of them.
    pub(crate) fn check_sums(&self) {
        self.check_users();
        self.check_totals();
    }

    /// The count of every user is that of their live uses, of the claims that were not granted and
    /// are pending, and of the uses that are owed and were not given back.
    fn check_users(&self) {
        let mut expected: BTreeMap<(UserDigest, Period), u32> = BTreeMap::new();
        let mut count = |use_| *expected.entry(use_).or_default() += 1;
        for station in &self.shards {
            let model = station.history.model();
            model.live_claims().into_iter().for_each(&mut count);
            let shard = station.sequence.as_shard().expect("it is a shard");
            for claim in model.pending(u64::MAX, usize::MAX) {
                let at = self.plan.layout.shard_of(claim.code.slot());
                let there = self.shards[usize::from(at)].history.model();
                if there.fate(shard, claim.number) != Some(Fate::Granted) {
                    count((claim.user, claim.period));
                }
            }
            for (target, owed) in model.owed_uses() {
                let there = self.shards[usize::from(target)].history.model();
                if !there.was_given_back(shard, owed.number) {
                    count((owed.user, owed.period));
                }
            }
        }
        for station in &self.shards {
            for (user, period, count) in station.history.model().users() {
                let expected = expected.get(&(user, period)).copied().unwrap_or(0);
                assert_eq!(count, expected, "the uses of {user:?} in {period:?}");
            }
        }
    }

    /// Of no total more is taken than it allows, no shard has what was not granted, and nothing is
    /// lost.
    fn check_totals(&self) {
        let control = self.control.history.model();
        for campaign in control.campaigns() {
            let number = campaign.id.number;
            let total = campaign.rules.as_ref().and_then(|rules| rules.total_uses);
            let (Some(total), Some((lent, left))) = (total, control.lent(number)) else { continue };
            let (mut taken, mut unused, mut bases) = (0, 0, 0);
            for (station, lent) in self.shards.iter().zip(lent) {
                let share = station.history.model().share(number);
                let share = share.expect("every shard knows the total");
                let book = share.book;
                assert_eq!((book.since, book.base), (lent.since, lent.base), "another book");
                assert!(book.granted <= lent.granted, "a shard has what was not granted");
                assert!(book.returned >= lent.returned, "a return is known that was none");
                taken += book.base + book.granted - book.returned - share.left;
                unused += share.left + (lent.granted - book.granted);
                unused += book.returned - lent.returned;
                bases += book.base;
            }
            assert!(taken <= total.limit.max(bases), "{taken} uses of a total of {total:?}");
            let all = taken + unused + left;
            assert!(all >= total.limit, "of {total:?} {all} are used, lent or left");
            assert!(all == total.limit || left == 0, "of {total:?} {all} are used, lent or left");
        }
    }
}
