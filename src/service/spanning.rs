//! What the limits that span codes say of a code without changing anything.

use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Claim, Query, Reply, UserDigest, UserStanding};

use super::asking::reply;
use super::error::Error;
use super::worker::Worker;

impl Worker {
    /// The limit that spans codes and keeps this one from being redeemed, by a user where one is
    /// named. What others are doing at this moment is not waited for.
    pub(super) async fn refused_across(
        &self,
        campaign: &Campaign,
        code: &CodeKey,
        user: Option<&str>,
    ) -> Result<Option<Refusal>, Error> {
        let Some(rules) = campaign.rules.as_deref() else { return Ok(None) };
        let number = campaign.id.number;
        let refusal = match user {
            Some(user)
                if rules.uses_per_user.is_some()
                    && self.user_standing(number, user).await == UserStanding::Reached =>
            {
                Some(Refusal::UserLimitReached)
            }
            _ if rules.total_uses.is_some() && self.nothing_is_left(number, code).await? => {
                Some(Refusal::CampaignLimitReached)
            }
            _ => None,
        };
        match (refusal, user) {
            // What is held for the user is within the limits already.
            (Some(_), Some(user)) if self.is_held_for(code, user).await? => Ok(None),
            (refusal, _) => Ok(refusal),
        }
    }

    /// A use of a code was given back: sees to it that the limits that span codes know when the
    /// answer is there, so that the use can be taken again. What is late comes about all the same.
    pub(super) async fn give_back_across(
        &self,
        campaign: CampaignNumber,
        code: &CodeKey,
        claim: Option<Claim>,
    ) {
        let node = &self.inner().node;
        node.bookkeeping.returned(campaign);
        if claim.is_some() {
            node.bookkeeping.deliver(node.layout.shard_of(code.slot())).await;
        }
    }

    /// Gives a user back what a code's shard owes, now instead of soon. Whether it owed anything.
    pub(super) async fn pay_back(&self, code: &CodeKey, user: UserDigest) -> bool {
        let node = &self.inner().node;
        let code_shard = node.layout.shard_of(code.slot());
        let status = node.status.sequence(SequenceId::shard(code_shard));
        // Nearly always it owes nothing to anybody, and is not asked.
        if status.is_none_or(|status| status.owed.get() == 0) {
            return false;
        }
        let from = node.layout.shard_of(user.slot());
        let owed = reply(self.query(self.place_of(code), Query::Owed { from })).await;
        let Ok(Reply::Owed(Some((to, give_back)))) = owed else { return false };
        let is_owed = to == from && give_back.uses.iter().any(|owed| owed.user == user);
        if is_owed {
            node.bookkeeping.deliver(code_shard).await;
        }
        is_owed
    }

    /// Whether nothing is left of a campaign's total in any shard.
    async fn nothing_is_left(
        &self,
        campaign: CampaignNumber,
        code: &CodeKey,
    ) -> Result<bool, Error> {
        // Mostly the code's own shard has something, and no other is asked.
        if self.left_in(self.place_of(code), campaign).await? > 0
            || self.view().control().left_to_grant(campaign).is_none_or(|left| left > 0)
        {
            return Ok(false);
        }
        for place in 0..self.inner().shards.places() {
            if self.left_in(place, campaign).await? > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How much more of a campaign's total a shard allows; more than anybody uses where it knows
    /// no total.
    async fn left_in(&self, place: usize, campaign: CampaignNumber) -> Result<u64, Error> {
        match reply(self.query(place, Query::Share(campaign))).await? {
            Reply::Share(share) => Ok(share.map_or(u64::MAX, |share| share.left)),
            _ => Err(Error::internal("a shard was asked for its share")),
        }
    }

    async fn is_held_for(&self, code: &CodeKey, user: &str) -> Result<bool, Error> {
        match reply(self.query(self.place_of(code), Query::Know(*code))).await? {
            Reply::Known(known) => {
                Ok(known.is_some_and(|known| known.holds.iter().any(|hold| *hold.user == *user)))
            }
            _ => Err(Error::internal("a shard was asked what it knows of a code")),
        }
    }
}
