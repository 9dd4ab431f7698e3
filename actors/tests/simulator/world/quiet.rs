//! What must be true of limits that span codes when nothing is under way, and what is left then.

use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::shard::Shard;

use super::World;
use crate::dice::Dice as _;
use crate::station::Station;

impl World {
    /// Asserts that nothing is owed or pending, and that all sums balance.
    pub(crate) fn check_limits(&self) {
        for station in &self.shards {
            let is_settled = station.history.model().is_settled();
            assert!(is_settled, "{} has claims or debts for ever", station.sequence);
        }
        self.check_sums();
    }

    /// The campaigns with a total of which every shard knows, and a shard for each. Where a change's
    /// answer was lost, shards are told of it by the next process.
    pub(crate) fn totals(&mut self) -> Vec<(CampaignNumber, u16)> {
        let mut totals = Vec::new();
        for campaign in self.control.history.model().campaigns() {
            let number = campaign.id.number;
            let total = campaign.rules.as_ref().and_then(|rules| rules.total_uses);
            let is_known = |station: &Station<Shard>| {
                let share = station.history.model().share(number);
                share.map(|share| share.book.since) == total.map(|total| total.since)
            };
            if total.is_some() && self.shards.iter().all(is_known) {
                totals.push((number, self.random.place(self.shards.len()) as u16));
            }
        }
        totals
    }

    /// What a shard has left of a campaign's total, and how many uses the total still allows.
    pub(crate) fn left_of(&self, campaign: CampaignNumber, shard: u16) -> (u64, u64) {
        let share = |station: &Station<Shard>| station.history.model().share(campaign);
        let here = share(&self.shards[usize::from(shard)]).map_or(0, |share| share.left);
        let shares = self.shards.iter().filter_map(share);
        let taken: u64 = shares.map(|share| share.book.lent() - share.left).sum();
        let known = self.control.history.model().campaigns().iter();
        let rules =
            known.filter(|known| known.id.number == campaign).find_map(|it| it.rules.as_ref());
        let total = rules.and_then(|rules| rules.total_uses).expect("it has a total");
        (here, total.limit.saturating_sub(taken))
    }
}
