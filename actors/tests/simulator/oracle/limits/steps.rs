//! The steps of both protocols: what must come of each, and what it leaves behind.

use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{
    Acknowledgement, Claim, ClaimUse, Command, Fate, GiveBack, PendingClaim, Shard, UserDigest,
};
use redeemd_domain::timestamp::Timestamp;

use crate::oracle::modelled::Stamp;
use crate::oracle::shard_model::ShardModel;

impl ShardModel {
    /// The step that must come before a use is taken.
    pub(in crate::oracle) fn first_step(
        &self,
        campaign: CampaignNumber,
        user: &str,
        claim: Option<Claim>,
    ) -> Option<Acknowledgement> {
        if self.share(campaign).is_some_and(|share| share.left == 0) {
            return Some(Acknowledgement::ShareFirst { campaign });
        }
        let rules = self.campaigns.get(&campaign)?.rules.as_ref()?;
        let is_missing = rules.uses_per_user.is_some() && claim.is_none();
        let user = UserDigest::new(campaign, user);
        is_missing.then_some(Acknowledgement::ClaimFirst { campaign, user })
    }

    /// What must come of a step of one of the protocols; `None` where the command is none.
    pub(in crate::oracle) fn step(
        &self,
        command: &Command,
        stamp: Stamp,
    ) -> Option<Outcome<Shard>> {
        let told = match command {
            Command::ClaimUse(wish) => match self.claim(wish, stamp) {
                Ok(told) => told,
                Err(refusal) => return Some(Outcome::Refused(refusal)),
            },
            Command::Forbid(forbid) => {
                let fate = self.fate(forbid.shard, forbid.number);
                Acknowledgement::Attempted(fate.unwrap_or(Fate::Refused))
            }
            Command::TakeShare { campaign, since, granted } => {
                self.changed(*campaign, since.0, |share| {
                    share.left += granted.saturating_sub(share.book.granted);
                    share.book.granted = share.book.granted.max(*granted);
                })
            }
            Command::ReturnShare { campaign, since, keep } => {
                self.changed(*campaign, since.0, |share| {
                    let back = share.left.saturating_sub(*keep);
                    share.book.returned += back;
                    share.left -= back;
                })
            }
            Command::Settle(_) | Command::GiveBack(_) | Command::Delivered { .. } => {
                return Some(Outcome::Unchanged);
            }
            _ => return None,
        };
        Some(Outcome::Acknowledged(told))
    }

    /// Takes in what a step came to.
    pub(in crate::oracle) fn absorb_step(
        &mut self,
        command: &Command,
        at: Timestamp,
        outcome: &Outcome<Shard>,
    ) {
        let told = match outcome {
            Outcome::Acknowledged(told) => Some(told),
            _ => None,
        };
        let limits = &mut self.limits;
        match (command, told) {
            (Command::ClaimUse(wish), Some(Acknowledgement::Claimed(claim))) => {
                let ClaimUse { campaign, user, code } = *wish;
                let Claim { number, period, .. } = *claim;
                let used = limits.used(&user, period) + 1;
                limits.users.insert(user, (period, used));
                let pending = PendingClaim { number, at, campaign, user, period, code };
                limits.pending.insert(number, pending);
            }
            (Command::Settle(settle), _) => {
                limits.pending.retain(|number, _| !settle.settled.contains(number));
                for number in &settle.returned {
                    if let Some(claim) = limits.pending.remove(number) {
                        limits.take_back(&claim.user, claim.period);
                    }
                }
            }
            (Command::Forbid(forbid), Some(Acknowledgement::Attempted(fate))) => {
                let numbers = limits.attempts.entry(forbid.shard).or_default();
                if forbid.number >= numbers.below {
                    numbers.known.entry(forbid.number).or_insert(*fate);
                }
            }
            (Command::GiveBack(GiveBack { shard, none_below, uses }), _) => {
                for owed in uses {
                    let numbers = limits.received.entry(*shard).or_default();
                    numbers.end_below(*none_below);
                    if numbers.is_new(owed.number, 0) {
                        numbers.known.insert(owed.number, ());
                        limits.take_back(&owed.user, owed.period);
                    }
                }
            }
            (Command::Delivered { shard, numbers }, _) => {
                let is_it = |place: &(u16, u64)| place.0 == *shard && numbers.contains(&place.1);
                limits.owed.retain(|place, _| !is_it(place));
            }
            (
                Command::TakeShare { campaign, .. } | Command::ReturnShare { campaign, .. },
                Some(Acknowledgement::Share(share)),
            ) => drop(limits.books.insert(*campaign, share.book)),
            _ => {}
        }
    }
}
