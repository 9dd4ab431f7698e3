//! Claims on the uses of users, and how often each user redeemed.

use redeemd_domain::refusal::Refusal;
use redeemd_domain::rules::Period;
use redeemd_domain::shard::{Acknowledgement, Claim, ClaimUse, PendingClaim, UserDigest};

use crate::oracle::modelled::Stamp;
use crate::oracle::shard_model::ShardModel;

impl ShardModel {
    pub(super) fn claim(&self, wish: &ClaimUse, stamp: Stamp) -> Result<Acknowledgement, Refusal> {
        let rules = self.campaigns.get(&wish.campaign).and_then(|terms| terms.rules.as_ref());
        let Some((rules, limit)) = rules.and_then(|rules| Some((rules, rules.uses_per_user?)))
        else {
            return Ok(Acknowledgement::NoUserLimit);
        };
        let period = rules.period_at(&limit, stamp.at);
        let limits = &self.limits;
        let used = limits.used(&wish.user, period);
        let is_theirs = |claim: &&PendingClaim| claim.user == wish.user && claim.period == period;
        let pending = limits.pending.values().filter(is_theirs).count() as u32;
        if used.saturating_sub(pending) >= limit.limit {
            return Err(Refusal::UserLimitReached);
        }
        if used >= limit.limit {
            return Ok(Acknowledgement::ClaimsPending);
        }
        let shard = limits.layout.shard_of(wish.code.slot());
        let is_there = |claim: &&PendingClaim| limits.layout.shard_of(claim.code.slot()) == shard;
        let oldest = limits.pending.values().find(is_there).map(|claim| claim.number);
        Ok(Acknowledgement::Claimed(Claim {
            shard: limits.shard,
            number: stamp.number,
            resolved_below: oldest.unwrap_or(stamp.number),
            period,
        }))
    }

    /// The claims that are pending up to an entry, so many at most.
    pub(crate) fn pending(&self, through: u64, most: usize) -> Vec<PendingClaim> {
        let claims = self.limits.pending.values().filter(|claim| claim.number <= through);
        claims.take(most).copied().collect()
    }

    /// How often each user redeemed in the last period in which they did.
    pub(crate) fn users(&self) -> impl Iterator<Item = (UserDigest, Period, u32)> {
        self.limits.users.iter().map(|(user, (period, count))| (*user, *period, *count))
    }

    /// Whether claims are pending or uses owed.
    pub(crate) fn is_settled(&self) -> bool {
        self.limits.pending.is_empty() && self.limits.owed.is_empty()
    }

    /// The user and the period of every claim that a live redemption or a hold has used up.
    pub(crate) fn live_claims(&self) -> Vec<(UserDigest, Period)> {
        let mut live = Vec::new();
        for (key, life) in &self.codes {
            let Some(terms) = self.terms(key) else { continue };
            let campaign = terms.view.number;
            let used = |user: &str, claim: Option<Claim>| {
                claim.map(|claim| (UserDigest::new(campaign, user), claim.period))
            };
            let redemptions = life.redemptions.iter().filter(|found| !found.is_undone);
            live.extend(redemptions.filter_map(|found| used(&found.user, found.claim)));
            live.extend(life.holds.iter().filter_map(|hold| used(&hold.user, hold.claim)));
        }
        live
    }
}
