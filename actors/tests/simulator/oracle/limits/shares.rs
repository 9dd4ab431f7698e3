//! Shares of the totals of campaigns.

use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::shard::{Acknowledgement, Share, ShareBook};

use crate::oracle::shard_model::ShardModel;

impl ShardModel {
    /// The share of a campaign with a total.
    pub(crate) fn share(&self, campaign: CampaignNumber) -> Option<Share> {
        let book = *self.limits.books.get(&campaign)?;
        let lent = (book.base + book.granted).checked_sub(book.returned).expect("it had it");
        let left = lent.checked_sub(self.used(campaign)).expect("no use without a share");
        Some(Share { book, left })
    }

    /// How many uses of a campaign's codes are taken here.
    pub(in crate::oracle) fn used(&self, campaign: CampaignNumber) -> u64 {
        let of_campaign = self
            .codes
            .iter()
            .filter(|(key, _)| self.terms(key).is_some_and(|terms| terms.view.number == campaign));
        of_campaign.map(|(_, life)| life.uses() + life.holds.len() as u64).sum()
    }

    pub(super) fn changed(
        &self,
        campaign: CampaignNumber,
        since: u32,
        change: impl FnOnce(&mut Share),
    ) -> Acknowledgement {
        match self.share(campaign).filter(|share| share.book.since.0 == since) {
            Some(mut share) => {
                change(&mut share);
                Acknowledgement::Share(Box::new(share))
            }
            None => Acknowledgement::NoShare,
        }
    }

    /// A campaign was taken over: another total begins another book.
    pub(in crate::oracle) fn open_book(&mut self, campaign: CampaignNumber) {
        let rules = self.campaigns.get(&campaign).and_then(|terms| terms.rules.as_ref());
        let total = rules.and_then(|rules| rules.total_uses);
        let known = self.limits.books.get(&campaign).map(|book| book.since);
        if total.map(|total| total.since) == known {
            return;
        }
        self.limits.books.remove(&campaign);
        if let Some(total) = total {
            let base = self.used(campaign);
            let book = ShareBook { since: total.since, base, ..ShareBook::default() };
            self.limits.books.insert(campaign, book);
        }
    }

    /// The share of every campaign with a total.
    pub(in crate::oracle) fn shares(&self) -> Vec<(CampaignNumber, Share)> {
        let campaigns = self.limits.books.keys();
        campaigns.filter_map(|&number| Some((number, self.share(number)?))).collect()
    }
}
