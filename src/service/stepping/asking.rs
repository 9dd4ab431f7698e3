//! The steps that another sequence answers: a use of the user is claimed, a share of the campaign's
//! total is brought, or the command is refused for want of them.

use std::pin::Pin;

use redeemd_actors::bookkeeping::Lent;
use redeemd_actors::core::Answer;
use redeemd_actors::crash_point::CrashPoint;
use redeemd_actors::directory::place_of;
use redeemd_actors::port::Asked;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{
    Acknowledgement, ClaimUse, Command, Fate, Query, Reply, Shard, UserDigest, UserStanding,
};

use super::{Item, Next, Stepped};
use crate::service::asking::{no_answer, reply};
use crate::service::error::Error;
use crate::service::worker::Worker;

/// A step that another sequence answers.
pub(super) enum Begun {
    Nothing(Item),
    Refused(Item),
    Claim(Item, Asked<Shard>),
    Share(Item, Pin<Box<dyn Future<Output = Lent>>>),
}

impl Worker {
    /// Begins a step that another sequence answers.
    pub(super) fn begin(&self, item: Item) -> Begun {
        match item.next {
            _ if item.refused.is_some() && !matches!(item.next, Next::Nothing) => {
                Begun::Refused(item)
            }
            Next::Claim { campaign, user } | Next::ClaimUnasked { campaign, user } => {
                let wish = ClaimUse { campaign, user, code: item.code };
                let place = place_of(self.inner().node.layout, user.slot());
                let asked = self.inner().shards.perform(place, Command::ClaimUse(wish));
                Begun::Claim(item, asked)
            }
            Next::Share { campaign } => {
                let shard = self.inner().node.layout.shard_of(item.code.slot());
                let lent = self.inner().node.bookkeeping.borrow(campaign, shard);
                Begun::Share(item, Box::pin(lent))
            }
            Next::Search { .. } | Next::Nothing => Begun::Nothing(item),
        }
    }

    /// Waits for the answer, and takes the step.
    pub(super) async fn complete(&self, begun: Begun) -> Stepped {
        match begun {
            Begun::Nothing(item) => Stepped::Send(item),
            Begun::Refused(item) => {
                let refusal = item.refused.unwrap_or(Refusal::CampaignLimitReached);
                self.refuse(item, refusal).await
            }
            Begun::Claim(item, asked) => self.claimed(item, asked.await).await,
            Begun::Share(item, lent) => match lent.await {
                Lent::Perhaps => Stepped::Send(item),
                Lent::Nothing => self.refused(item, Refusal::CampaignLimitReached).await,
                Lent::Unknown => Stepped::Settled(item, Err(Error::Unavailable)),
            },
        }
    }

    async fn claimed(&self, mut item: Item, answer: Answer<Shard>) -> Stepped {
        let is_claimed =
            matches!(answer, Answer::Outcome(Outcome::Acknowledged(Acknowledgement::Claimed(_))));
        if item.is_staked && !is_claimed {
            // The code's shard has the first word, on replays and on what refuses before limits do.
            item.is_staked = false;
            item.next = Next::Nothing;
            return Stepped::Send(item);
        }
        match answer {
            Answer::Outcome(Outcome::Acknowledged(Acknowledgement::Claimed(claim))) => {
                self.inner().node.bookkeeping.crash_points.at(CrashPoint::Claimed).await;
                match item.command.clone().with_claim(Some(claim)) {
                    Some(command) => {
                        item.command = command;
                        Stepped::Send(item)
                    }
                    None => {
                        self.inner().node.bookkeeping.settle(&claim, Fate::Refused);
                        let error = Error::internal("a claim was asked for what takes none");
                        Stepped::Settled(item, Err(error))
                    }
                }
            }
            Answer::Outcome(Outcome::Refused(refusal)) => {
                // A hold of the user on the same code that has just expired keeps its use until
                // that is given back, and must not stand in the way.
                if let Next::Claim { user, .. } = item.next
                    && !std::mem::replace(&mut item.is_paid, true)
                    && self.pay_back(&item.code, user).await
                {
                    item.next = Next::Nothing;
                    return Stepped::Send(item);
                }
                self.refused(item, refusal).await
            }
            // The code's shard is asked once more, since the request may be answered by then.
            Answer::Outcome(Outcome::Acknowledged(
                Acknowledgement::ClaimsPending | Acknowledgement::NoUserLimit,
            )) => {
                item.next = Next::Nothing;
                Stepped::Wait(item)
            }
            Answer::Outcome(Outcome::Acknowledged(Acknowledgement::ClaimsFull)) => {
                Stepped::Settled(item, Err(Error::Overloaded))
            }
            // The claim may have been made and will be returned; nothing was redeemed.
            Answer::Unknown(_) => Stepped::Settled(item, Err(Error::Unavailable)),
            answer => Stepped::Settled(item, Err(no_answer(&answer))),
        }
    }

    /// A limit refuses the command. Its request may have been answered since its code's shard was
    /// asked, by another task that took the last use for it; so that shard is asked once more. And
    /// where the user's last use was taken for this very code, the code is named and not the limit.
    async fn refused(&self, mut item: Item, refusal: Refusal) -> Stepped {
        if refusal == Refusal::UserLimitReached || item.command.request().is_some() {
            item.refused = Some(refusal);
            item.next = Next::Nothing;
            return Stepped::Send(item);
        }
        self.refuse(item, refusal).await
    }

    /// Refuses a command. The limit of its user is named before that of its campaign.
    async fn refuse(&self, mut item: Item, mut refusal: Refusal) -> Stepped {
        if let (Refusal::CampaignLimitReached, Next::Share { campaign }, None) =
            (refusal, item.next, item.command.claim())
            && let Some(user) = item.command.user()
        {
            match self.user_standing(campaign, user).await {
                UserStanding::Within => {}
                UserStanding::Reached => refusal = Refusal::UserLimitReached,
                UserStanding::Pending => {
                    item.refused = None;
                    item.next = Next::Nothing;
                    return Stepped::Wait(item);
                }
            }
        }
        Stepped::Settled(item, Err(Error::Refused(refusal)))
    }

    /// How a user stands to the limit of a campaign. Where that shard cannot be asked nobody knows,
    /// and then nothing is said against the user.
    pub(in crate::service) async fn user_standing(
        &self,
        campaign: CampaignNumber,
        user: &str,
    ) -> UserStanding {
        let user = UserDigest::new(campaign, user);
        let place = place_of(self.inner().node.layout, user.slot());
        let asked = self.query(place, Query::UserLimit(campaign, user));
        match reply(asked).await {
            Ok(Reply::UserLimit(standing)) => standing,
            _ => UserStanding::Within,
        }
    }
}
