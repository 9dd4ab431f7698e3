//! What must be true of limits that span codes when nothing is under way.

use std::collections::BTreeMap;

use super::World;

impl World {
    /// Asserts that nothing is owed or pending, that every user's count is that of the live uses,
    /// and that of no total more is taken than it allows, or anything lost.
    pub(crate) fn check_limits(&self) {
        let mut live: BTreeMap<_, u32> = BTreeMap::new();
        for station in &self.shards {
            let model = station.history.model();
            assert!(model.is_settled(), "{} has claims or debts for ever", station.sequence);
            model.live_claims().into_iter().for_each(|use_| *live.entry(use_).or_default() += 1);
        }
        for station in &self.shards {
            for (user, period, count) in station.history.model().users() {
                let expected = live.get(&(user, period)).copied().unwrap_or(0);
                assert_eq!(count, expected, "the uses of {user:?} in {period:?}");
            }
        }
        self.check_totals();
    }

    fn check_totals(&self) {
        let control = self.control.history.model();
        for campaign in control.campaigns() {
            let number = campaign.id.number;
            let total = campaign.rules.as_ref().and_then(|rules| rules.total_uses);
            let (Some(total), Some((lent, left))) = (total, control.lent(number)) else { continue };
            let (mut taken, mut unused, mut bases) = (0, 0, 0);
            for (station, lent) in self.shards.iter().zip(lent) {
                let shares = station.history.model().shares();
                let share = shares.into_iter().find(|(known, _)| *known == number);
                let (_, share) = share.expect("every shard knows the total");
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
