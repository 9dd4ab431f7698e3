//! Claims on the uses of users, where the users are counted: made before a code is redeemed, and
//! settled or returned when it is known what became of that.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::acknowledgement::Acknowledgement;
use super::in_order::InOrder;
use super::steps::{Claim, ClaimUse, Settle};
use super::users::UserDigest;
use super::{Outcome, Shard};
use crate::codes::{CampaignNumber, CodeKey};
use crate::delivery::ROOM_TO_KEEP;
use crate::invariant::Invariant;
use crate::machine::Machine as _;
use crate::progress::Stamp;
use crate::refusal::Refusal;
use crate::rules::{Period, Rules, UserLimit};
use crate::slot::ShardLayout;
use crate::timestamp::Timestamp;

/// The most claims that may be pending in a shard.
pub const MAX_PENDING_CLAIMS: usize = 1 << 16;

/// How far the claims on codes of one shard may run ahead of the oldest of them that is pending, in
/// entries: so much the code's shard has to remember.
pub const MAX_CLAIMS_AHEAD: u64 = 1 << 20;

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

/// How a user stands to the limit of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStanding {
    /// The user may redeem, or nothing limits that.
    Within,
    /// The limit is reached unless one of the claims that are pending comes to nothing.
    Pending,
    /// The limit is reached.
    Reached,
}

/// The pending claims of a shard: made in the order of their numbers, ended nearly in that order, and
/// thousands of them at any time.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    layout: ShardLayout,
    pending: InOrder<PendingClaim>,
    /// The numbers of those on codes of each shard; found again from `pending`, hence no part of the
    /// canonical state.
    by_code_shard: BTreeMap<u16, InOrder<u64>>,
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
    fn insert(&mut self, claim: PendingClaim) {
        *self.by_user.entry((claim.user, claim.period)).or_default() += 1;
        let code_shard = self.layout.shard_of(claim.code.slot());
        self.by_code_shard.entry(code_shard).or_default().push(claim.number, claim.number);
        self.pending.push(claim.number, claim);
    }

    fn remove(&mut self, number: u64) -> Option<PendingClaim> {
        let claim = self.pending.take(number)?;
        let code_shard = self.layout.shard_of(claim.code.slot());
        if let Some(of_code_shard) = self.by_code_shard.get_mut(&code_shard) {
            of_code_shard.take(number);
        }
        if let Entry::Occupied(mut count) = self.by_user.entry((claim.user, claim.period)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        if self.by_user.is_empty() && self.by_user.capacity() > ROOM_TO_KEEP {
            self.by_user.shrink_to(ROOM_TO_KEEP);
        }
        Some(claim)
    }

    /// How many claims of a user in a period are pending.
    fn of_user(&self, user: UserDigest, period: Period) -> u32 {
        self.by_user.get(&(user, period)).copied().unwrap_or(0)
    }

    /// The oldest claim on codes of a shard that is pending.
    fn oldest_for(&self, code_shard: u16) -> Option<u64> {
        self.by_code_shard.get(&code_shard)?.first().copied()
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

/// What is to be said to a wish for a claim.
enum Judged {
    Granted { period: Period, limit: u32, resolved_below: Option<u64> },
    Settled(Outcome),
}

impl Shard {
    fn judge_claim(&self, wish: &ClaimUse, at: Timestamp) -> Judged {
        let told = |told| Judged::Settled(Outcome::Acknowledged(told));
        let Some((rules, limit)) = self.user_limit(wish.campaign) else {
            return told(Acknowledgement::NoUserLimit);
        };
        let period = rules.period_at(&limit, at);
        match self.standing(wish.user, period, &limit) {
            UserStanding::Within => {}
            UserStanding::Pending => return told(Acknowledgement::ClaimsPending),
            UserStanding::Reached => {
                return Judged::Settled(Outcome::Refused(Refusal::UserLimitReached));
            }
        }
        let resolved_below = self.claims.oldest_for(self.layout.shard_of(wish.code.slot()));
        let ahead = resolved_below.map_or(0, |oldest| self.last().saturating_sub(oldest));
        if self.claims.len() >= MAX_PENDING_CLAIMS || ahead >= MAX_CLAIMS_AHEAD {
            return told(Acknowledgement::ClaimsFull);
        }
        Judged::Granted { period, limit: limit.limit, resolved_below }
    }

    /// What is settled about a wish for a claim without an entry.
    pub(super) fn foresee_claim(&self, wish: &ClaimUse, at: Timestamp) -> Option<Outcome> {
        match self.judge_claim(wish, at) {
            Judged::Granted { .. } => None,
            Judged::Settled(outcome) => Some(outcome),
        }
    }

    pub(super) fn claim_use(&mut self, stamp: Stamp, wish: ClaimUse) -> Outcome {
        let (period, limit, resolved_below) = match self.judge_claim(&wish, stamp.at) {
            Judged::Granted { period, limit, resolved_below } => {
                (period, limit, resolved_below.unwrap_or(stamp.number))
            }
            Judged::Settled(outcome) => return outcome,
        };
        let ClaimUse { user, code, .. } = wish;
        if let Some(slot) = self.slot_mut(user.slot()) {
            Invariant::ClaimsWithinLimit.check(slot.users.count(user, period, stamp.at) <= limit);
        }
        let (number, at, campaign) = (stamp.number, stamp.at, wish.campaign);
        let claim = PendingClaim { number, at, campaign, user, period, code };
        self.claims.insert(claim);
        let shard = self.shard;
        Outcome::Acknowledged(Acknowledgement::Claimed(Claim {
            shard,
            number,
            resolved_below,
            period,
        }))
    }

    /// Settles and returns claims. Those that are not pending any more stay as they are.
    pub(super) fn settle(&mut self, settle: &Settle) -> Outcome {
        for &number in &settle.settled {
            self.claims.remove(number);
        }
        for &number in &settle.returned {
            if let Some(claim) = self.claims.remove(number)
                && let Some(slot) = self.slot_mut(claim.user.slot())
            {
                slot.users.take_back(&claim.user, claim.period);
            }
        }
        Outcome::Unchanged
    }

    /// The limit for each user of a campaign, where there is one.
    fn user_limit(&self, number: CampaignNumber) -> Option<(&Rules, UserLimit)> {
        let campaign = self.campaigns.get(&number)?;
        let rules = campaign.rules.as_deref()?;
        Some((rules, rules.uses_per_user?))
    }

    /// How often a user has redeemed in a period, pending claims included.
    fn used(&self, user: &UserDigest, period: Period) -> u32 {
        let slot = self.slot_place(user.slot()).and_then(|place| self.slots.get(place));
        slot.map_or(0, |slot| slot.users.used(user, period))
    }

    /// How a user stands to the limit of a campaign.
    pub(super) fn user_standing(
        &self,
        number: CampaignNumber,
        user: UserDigest,
        at: Timestamp,
    ) -> UserStanding {
        let Some((rules, limit)) = self.user_limit(number) else { return UserStanding::Within };
        self.standing(user, rules.period_at(&limit, at), &limit)
    }

    fn standing(&self, user: UserDigest, period: Period, limit: &UserLimit) -> UserStanding {
        let used = self.used(&user, period);
        if used < limit.limit {
            UserStanding::Within
        } else if used.saturating_sub(self.claims.of_user(user, period)) >= limit.limit {
            UserStanding::Reached
        } else {
            UserStanding::Pending
        }
    }

    /// The pending claims up to an entry, oldest first.
    pub(super) fn pending_claims(&self, through: u64, most: usize) -> Vec<PendingClaim> {
        let old = self.claims.iter().take_while(|claim| claim.number <= through);
        old.take(most).copied().collect()
    }
}
