//! Counting again how often users have redeemed: each use stands in a record of the code's shard,
//! and the counter in the slot of campaign and user, mostly in another shard.

use std::collections::HashMap;

use crate::codes::CampaignNumber;
use crate::rules::Period;
use crate::shard::{Claim, Event, Placing, Record, UserDigest};
use crate::slot::ShardLayout;
use crate::timestamp::Timestamp;

/// What a record says of uses that are counted elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// A use that was claimed.
    claimed: Option<(UserDigest, Claim)>,
    /// Uses that were given back, each with the period in which it had counted.
    returned: Vec<(UserDigest, Period)>,
}

impl Traces {
    /// What a record says, and what was given back by it.
    pub(super) fn of(record: &Record, returned: Vec<(UserDigest, Period)>) -> Self {
        let named = |campaign: CampaignNumber, user: &str, claim: Option<Claim>| {
            Some((UserDigest::new(campaign, user), claim?))
        };
        let claimed = match &record.event {
            // A hold's claim was counted when the hold was placed.
            Event::Spent(spent) if spent.hold.is_none() => {
                named(spent.redemption.campaign, &spent.redemption.user, spent.claim)
            }
            Event::HoldPlaced(placed) if placed.placing == Placing::New => {
                named(placed.hold.campaign, &placed.hold.user, placed.hold.claim)
            }
            _ => None,
        };
        Self { claimed, returned }
    }
}

/// The uses of one user in one period.
#[derive(Clone, Copy, Debug)]
struct Counted {
    period: Period,
    count: u32,
    /// The number of the latest claim.
    latest: u64,
}

/// How often users have redeemed, over the records of all shards, which may come in any order of
/// the shards.
///
/// A counter is of one period, that of the latest claim: when a campaign's limit comes to count by
/// the week instead of by the day, what was counted by the day is over. Uses are kept by period
/// until all records have come, since only then it is known which claim was the latest.
#[derive(Debug)]
pub struct UserTally {
    /// Periods that were over by then are not counted.
    since: Timestamp,
    users: HashMap<UserDigest, Vec<Counted>, ahash::RandomState>,
}

impl UserTally {
    /// A tally in which nothing is kept of periods that were over everywhere at a time.
    pub fn new(since: Timestamp) -> Self {
        Self { since, users: HashMap::default() }
    }

    /// Counts what a record says. Those of one shard must come in their order.
    pub fn count(&mut self, traces: &Traces) {
        if let Some((user, claim)) = traces.claimed
            && !claim.period.is_over_everywhere(self.since)
        {
            let Claim { period, number, .. } = claim;
            let periods = self.users.entry(user).or_default();
            match periods.iter_mut().find(|counted| counted.period == period) {
                Some(counted) => {
                    counted.count = counted.count.saturating_add(1);
                    counted.latest = counted.latest.max(number);
                }
                None => periods.push(Counted { period, count: 1, latest: number }),
            }
        }
        for (user, period) in &traces.returned {
            let periods = self.users.get_mut(user).into_iter().flatten();
            for counted in periods.filter(|counted| counted.period == *period) {
                counted.count = counted.count.saturating_sub(1);
            }
        }
    }

    /// The counters of all users, by the shard that they belong to, in the order of the shards.
    pub fn by_shard(self, layout: ShardLayout) -> Vec<Vec<(UserDigest, Period, u32)>> {
        let mut shards = vec![Vec::new(); layout.shards().into()];
        for (user, periods) in self.users {
            let latest = periods.into_iter().max_by_key(|counted| counted.latest);
            let Some(Counted { period, count, .. }) = latest.filter(|it| it.count > 0) else {
                continue;
            };
            if let Some(shard) = shards.get_mut(usize::from(layout.shard_of(user.slot()))) {
                shard.push((user, period, count));
            }
        }
        shards
    }
}
