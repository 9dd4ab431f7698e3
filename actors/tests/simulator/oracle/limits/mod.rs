//! Limits that span codes, as a child would keep them in one shard: who used how often, which claims
//! are pending, what became of attempts, what is owed, what was lent. In words: ARCHITECTURE.

mod attempts;
mod claims;
mod numbers;
mod returns;
mod shares;
mod steps;

use std::collections::BTreeMap;

use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::rules::Period;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Fate, OwedUse, PendingClaim, ShareBook, UserDigest};
use redeemd_domain::slot::ShardLayout;

use numbers::Numbers;

/// What one shard keeps of limits that span codes.
#[derive(Debug)]
pub(super) struct Limits {
    layout: ShardLayout,
    shard: u16,
    /// In the last period in which somebody redeemed.
    users: BTreeMap<UserDigest, (Period, u32)>,
    pending: BTreeMap<u64, PendingClaim>,
    attempts: BTreeMap<u16, Numbers<Fate>>,
    owed_last: u64,
    owed: BTreeMap<(u16, u64), OwedUse>,
    received: BTreeMap<u16, Numbers<()>>,
    books: BTreeMap<CampaignNumber, ShareBook>,
    /// How many uses of a campaign's codes came back.
    came_back: BTreeMap<CampaignNumber, u64>,
}

impl Limits {
    pub(super) fn new(layout: ShardLayout, sequence: SequenceId) -> Self {
        Self {
            layout,
            shard: sequence.as_shard().unwrap_or_default(),
            users: BTreeMap::new(),
            pending: BTreeMap::new(),
            attempts: BTreeMap::new(),
            owed_last: 0,
            owed: BTreeMap::new(),
            received: BTreeMap::new(),
            books: BTreeMap::new(),
            came_back: BTreeMap::new(),
        }
    }

    fn used(&self, user: &UserDigest, period: Period) -> u32 {
        self.users.get(user).filter(|(known, _)| *known == period).map_or(0, |(_, count)| *count)
    }

    fn take_back(&mut self, user: &UserDigest, period: Period) {
        if let Some((known, count)) = self.users.get_mut(user)
            && *known == period
        {
            *count = count.saturating_sub(1);
        }
    }
}
