//! The control sequence's books of campaigns' totals: what is lent to which shard.
//!
//! A shard's book and the one here are about the same numbers, which only grow. What is granted is
//! written here first and what is returned there first, so that the sum of what the shards may use
//! is never more than the sum here, and that never more than the total.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Control;
use super::command::Command;
use crate::campaign::{Campaign, Revision};
use crate::codes::CampaignNumber;
use crate::invariant::Invariant;
use crate::rules::TotalLimit;
use crate::shard::ShareBook;

/// What of a campaign's total is lent to which shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// The revision since which the total is so.
    pub since: Revision,
    /// The books of the shards, in their order.
    pub books: Vec<ShareBook>,
}

impl Shares {
    /// How many uses the shards may have altogether.
    pub fn lent(&self) -> u64 {
        self.books.iter().map(ShareBook::lent).fold(0, u64::saturating_add)
    }
}

/// What the control sequence says to a step of lending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// The shard's book as it is now, and how much more can be granted.
    Lent {
        /// The book.
        book: ShareBook,
        /// What is left of the total.
        left: u64,
    },
    /// The campaign has no such total, or its shares are not open.
    NotOpen,
}

impl Control {
    /// What of a campaign's total is lent, where its shares were opened since it is so.
    pub fn shares(&self, campaign: CampaignNumber) -> Option<&Shares> {
        let total = total(self.campaigns.get(&campaign)?)?;
        let shares = self.shares.get(&campaign)?;
        (shares.since == total.since).then_some(shares)
    }

    /// How much of a campaign's total can still be granted; `None` where its shares are not open.
    pub fn left_to_grant(&self, campaign: CampaignNumber) -> Option<u64> {
        let total = total(self.campaigns.get(&campaign)?)?;
        Some(total.limit.saturating_sub(self.shares(campaign)?.lent()))
    }

    /// Carries out a step of lending; `None` where the command is none.
    pub(super) fn lend(&mut self, command: &Command) -> Option<Acknowledgement> {
        Some(match command {
            Command::OpenShares { campaign, since, bases } => {
                self.open_shares(*campaign, *since, bases)
            }
            Command::GrantShare { campaign, since, shard, granted } => {
                self.change_share(*campaign, *since, *shard, |book, left| {
                    let more = granted.saturating_sub(book.granted).min(left);
                    book.granted += more;
                })
            }
            Command::RecordReturned { campaign, since, shard, returned } => {
                self.change_share(*campaign, *since, *shard, |book, _| {
                    book.returned = book.returned.max(*returned);
                })
            }
            _ => return None,
        })
    }

    fn open_shares(
        &mut self,
        campaign: CampaignNumber,
        since: Revision,
        bases: &[u64],
    ) -> Acknowledgement {
        let known = self.campaigns.get(&campaign).and_then(|campaign| total(campaign));
        if known.is_none_or(|total| total.since != since) || bases.is_empty() {
            return Acknowledgement::NotOpen;
        }
        if self.shares(campaign).is_none() {
            let book = |&base| ShareBook { since, base, ..ShareBook::default() };
            let shares = Shares { since, books: bases.iter().map(book).collect() };
            self.shares.insert(campaign, shares.into());
        }
        self.change_share(campaign, since, 0, |_, _| {})
    }

    fn change_share(
        &mut self,
        campaign: CampaignNumber,
        since: Revision,
        shard: u16,
        change: impl FnOnce(&mut ShareBook, u64),
    ) -> Acknowledgement {
        let Some(left) = self.left_to_grant(campaign) else { return Acknowledgement::NotOpen };
        let shares = self.shares.get_mut(&campaign).filter(|shares| shares.since == since);
        let Some(shares) = shares.map(std::sync::Arc::make_mut) else {
            return Acknowledgement::NotOpen;
        };
        let Some(book) = shares.books.get_mut(usize::from(shard)) else {
            return Acknowledgement::NotOpen;
        };
        let granted = book.granted;
        change(book, left);
        let (book, more) = (*book, book.granted - granted);
        Invariant::LentWithinTotal.check(more <= left);
        let left = self.left_to_grant(campaign).unwrap_or(0);
        Acknowledgement::Lent { book, left }
    }

    /// Forgets the shares of totals that are no more.
    pub(super) fn close_shares(&mut self, campaign: CampaignNumber) {
        if self.shares(campaign).is_none() {
            self.shares.remove(&campaign);
        }
    }
}

fn total(campaign: &Campaign) -> Option<TotalLimit> {
    campaign.rules.as_deref()?.total_uses
}

/// The shares of all campaigns, as the state keeps them.
pub(super) type AllShares = BTreeMap<CampaignNumber, std::sync::Arc<Shares>>;
