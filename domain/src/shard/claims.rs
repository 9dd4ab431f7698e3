//! Claims on the uses of users, where the users are counted: made before a code is redeemed, and
//! settled or returned when it is known what became of that.

use super::acknowledgement::Acknowledgement;
use super::pending::PendingClaim;
use super::steps::{Claim, ClaimUse, Settle};
use super::users::UserDigest;
use super::{Outcome, Shard};
use crate::codes::CampaignNumber;
use crate::invariant::Invariant;
use crate::machine::Machine as _;
use crate::progress::Stamp;
use crate::refusal::Refusal;
use crate::rules::{Period, Rules, UserLimit};
use crate::timestamp::Timestamp;

/// The most claims that may be pending in a shard.
pub const MAX_PENDING_CLAIMS: usize = 1 << 16;

/// How far the claims on codes of one shard may run ahead of the oldest of them that is pending, in
/// entries: so much the code's shard has to remember.
pub const MAX_CLAIMS_AHEAD: u64 = 1 << 20;

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
    pub(super) fn settle(&mut self, settle: Settle) -> Outcome {
        self.claims.end(settle.settled);
        for PendingClaim { user, period, .. } in self.claims.end(settle.returned) {
            if let Some(slot) = self.slot_mut(user.slot()) {
                slot.users.take_back(&user, period);
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
        self.slot_of(user.slot()).map_or(0, |slot| slot.users.used(user, period))
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
