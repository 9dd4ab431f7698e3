//! A shard's share of a campaign's total: how many uses the control sequence lent to it, so that
//! most redemptions need no word from anywhere else.

use serde::{Deserialize, Serialize};

use super::acknowledgement::Acknowledgement;
use super::{Campaign, Counts, Outcome, Shard};
use crate::campaign::Revision;
use crate::codes::CampaignNumber;
use crate::invariant::Invariant;
use crate::rules::Rules;

/// A shard's book of one limit. What is granted and returned only grows, so that a message about it
/// can be repeated, be late, or be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareBook {
    /// The campaign's revision since which the limit is so; another limit begins another book.
    pub since: Revision,
    /// How many uses there were when the shard learned of this limit.
    pub base: u64,
    /// How many were granted since, in all.
    pub granted: u64,
    /// How many of all those were given back since, in all.
    pub returned: u64,
}

impl ShareBook {
    /// How many uses the shard may have at a time.
    pub fn lent(&self) -> u64 {
        (self.base + self.granted).saturating_sub(self.returned)
    }
}

/// A book, and how much of it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The book.
    pub book: ShareBook,
    /// How many more uses it allows.
    pub left: u64,
}

impl Counts {
    /// How many uses count towards a campaign's total.
    fn used(&self) -> u64 {
        self.redeemed + self.held
    }
}

impl Campaign {
    /// The shard's share of the total, where there is a total.
    pub fn share(&self) -> Option<Share> {
        let book = self.book?;
        Some(Share { book, left: book.lent().saturating_sub(self.counts.used()) })
    }

    /// Begins a new book where the total is another one than the book is of.
    pub(super) fn open_book(&mut self) {
        let total = self.rules.as_deref().and_then(|rules: &Rules| rules.total_uses);
        self.book = total.map(|total| match self.book {
            Some(book) if book.since == total.since => book,
            _ => ShareBook { since: total.since, base: self.counts.used(), ..Default::default() },
        });
    }

    /// Says that a use was just taken, and must lie within the share.
    pub(super) fn check_share(&self) {
        let within = |book: ShareBook| self.counts.used() <= book.lent();
        Invariant::UsesWithinShare.check(self.book.is_none_or(within));
    }

    /// A use was given back: it is no longer the shard's, so that a total which was lowered in the
    /// meantime is not exceeded by using it once more.
    pub(super) fn return_use(&mut self) {
        if let Some(book) = &mut self.book {
            book.returned += 1;
        }
    }
}

impl Shard {
    /// Takes over what was granted. Fewer than before changes nothing.
    pub(super) fn take_share(
        &mut self,
        number: CampaignNumber,
        since: Revision,
        granted: u64,
    ) -> Outcome {
        self.change_book(number, since, |book, _| book.granted = book.granted.max(granted))
    }

    /// Gives back what is left, but for so many.
    pub(super) fn return_share(
        &mut self,
        number: CampaignNumber,
        since: Revision,
        keep: u64,
    ) -> Outcome {
        self.change_book(number, since, |book, left| book.returned += left.saturating_sub(keep))
    }

    fn change_book(
        &mut self,
        number: CampaignNumber,
        since: Revision,
        change: impl FnOnce(&mut ShareBook, u64),
    ) -> Outcome {
        let Some(campaign) = self.campaigns.get_mut(&number) else {
            return Outcome::Acknowledged(Acknowledgement::NoShare);
        };
        let left = campaign.share().map_or(0, |share| share.left);
        if let Some(book) = campaign.book.as_mut().filter(|book| book.since == since) {
            change(book, left);
        }
        let share = campaign.share().filter(|share| share.book.since == since);
        Outcome::Acknowledged(match share {
            Some(share) => Acknowledgement::Share(Box::new(share)),
            None => Acknowledgement::NoShare,
        })
    }
}
