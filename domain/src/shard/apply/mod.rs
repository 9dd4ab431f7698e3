//! What each command does to a shard.

mod change;
mod holds;
mod list;
mod money;
mod redeem;
mod roll_back;
mod uses;

use super::acknowledgement::Acknowledgement;
use super::command::Command;
use super::judge::{Extras, Moment};
use super::query::{Query, Reply};
use super::{Campaign, Counts, Outcome, Record, Shard};
use crate::campaign::Terms;
use crate::codes::CampaignNumber;
use crate::entry::Entry;
use crate::invariant::Invariant;
use crate::machine::{Machine, Unfinished};
use crate::progress::{Progress, Stamp};
use crate::refusal::Refusal;
use crate::timestamp::Timestamp;

impl Machine for Shard {
    type Command = Command;
    type Record = Record;
    type Acknowledgement = Acknowledgement;
    type Refusal = Refusal;
    type Query = Query;
    type Reply = Reply;

    fn progress(&self) -> &Progress<Record> {
        &self.progress
    }

    fn apply(&mut self, entry: Entry<Command>) -> Outcome {
        let stamp = self.progress.enter(&entry);
        let outcome = match entry.command {
            Command::Redeem(redeem) => self.redeem(stamp, redeem, None, Extras::default()),
            command => self.carry_out(stamp, command),
        };
        self.progress.remember(&outcome);
        outcome
    }

    fn bring_up(&self, command: &Command) {
        // Users are millions, and come in no order; everything else is mostly at hand.
        if let Command::ClaimUse(wish) = command
            && let Some(slot) = self.slot_of(wish.user.slot())
        {
            slot.users.bring_up(&wish.user);
        }
    }

    fn foresee(&self, command: &Command, now: Timestamp) -> Option<Outcome> {
        let at = now.max(self.time());
        if command.claim().is_some() {
            // What becomes of a claim is certain only when the journal holds it.
            return None;
        }
        match command {
            Command::Redeem(redeem) => {
                self.judge(redeem, Extras::default(), at, Moment::Foresight).settled()
            }
            Command::Spend(spend) => {
                self.judge(&spend.redeem, Extras::of(spend), at, Moment::Foresight).settled()
            }
            Command::Revoke(change) | Command::Restore(change) => {
                self.settled(change.request.as_ref())
            }
            Command::RollBack(roll_back) => self.judge_roll_back(roll_back, at).err(),
            Command::PlaceHold(place) => self.judge_hold(place, at, Moment::Foresight).settled(),
            Command::Confirm(confirm) => {
                self.judge_confirm(confirm, at, Moment::Foresight).settled()
            }
            Command::Release(release) => {
                self.is_over(release, at).then_some(Outcome::Refused(Refusal::HoldEnded))
            }
            Command::TopUp(top_up) => self.judge_top_up(top_up).err(),
            Command::ClaimUse(wish) => self.foresee_claim(wish, at),
            Command::Forbid(forbid) => self.foresee_forbid(forbid),
            Command::Settle(_)
            | Command::GiveBack(_)
            | Command::Delivered { .. }
            | Command::TakeShare { .. }
            | Command::ReturnShare { .. }
            | Command::Advance
            | Command::PutCampaign(_)
            | Command::PutRules { .. }
            | Command::List(_)
            | Command::Expire { .. } => None,
        }
    }

    fn held(&self) -> u64 {
        self.expiries.live()
    }

    fn unfinished(&self) -> Unfinished {
        Unfinished {
            claims: self.claims.len(),
            oldest_claim: self.claims.oldest().map(|claim| claim.at),
            owed: self.owed.uses.len(),
        }
    }

    fn due(&self, at: Timestamp) -> Vec<Command> {
        self.expiring(at.max(self.time()))
    }

    fn reply(&self, query: &Query, now: Timestamp) -> Reply {
        self.reply_to(query, now.max(self.time()))
    }

    fn takes_away(command: &Command) -> bool {
        matches!(command, Command::Revoke(_) | Command::PutCampaign(_) | Command::PutRules { .. })
    }

    fn advance() -> Command {
        Command::Advance
    }

    fn encode<E>(&self, write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.encode_sections(write)
    }
}

impl Shard {
    /// Carries out any command. It is apart from where a plain redemption, which is what most commands
    /// are, finds its way in fewer steps.
    #[inline(never)]
    fn carry_out(&mut self, stamp: Stamp, command: Command) -> Outcome {
        match command {
            Command::Advance => Outcome::Unchanged,
            Command::PutCampaign(view) => self.put_campaign(Terms { view, rules: None }),
            Command::PutRules { view, rules } => {
                self.put_campaign(Terms { view, rules: Some(rules) })
            }
            Command::Redeem(redeem) => self.redeem(stamp, redeem, None, Extras::default()),
            Command::Spend(spend) => {
                let (claim, extras) = (spend.claim, Extras::of(&spend));
                self.with_claim(claim, |shard| shard.redeem(stamp, spend.redeem, claim, extras))
            }
            Command::Revoke(change) => self.set_revoked(stamp, change, true),
            Command::Restore(change) => self.set_revoked(stamp, change, false),
            Command::List(list) => self.list(stamp, list),
            Command::RollBack(roll_back) => self.roll_back(stamp, *roll_back),
            Command::PlaceHold(place) => {
                self.with_claim(place.claim, |shard| shard.place_hold(stamp, *place))
            }
            Command::Confirm(confirm) => {
                self.with_claim(confirm.spend.claim, |shard| shard.confirm(stamp, *confirm))
            }
            Command::Release(release) => self.release(stamp, release),
            Command::Expire { at_most } => self.expire(stamp, at_most),
            Command::TopUp(top_up) => self.top_up(stamp, top_up),
            Command::ClaimUse(wish) => self.claim_use(stamp, wish),
            Command::Settle(settle) => self.settle(settle),
            Command::Forbid(forbid) => self.forbid(forbid),
            Command::GiveBack(give_back) => self.give_back(give_back),
            Command::Delivered { shard, numbers } => self.delivered(shard, &numbers),
            Command::TakeShare { campaign, since, granted } => {
                self.take_share(campaign, since, granted)
            }
            Command::ReturnShare { campaign, since, keep } => {
                self.return_share(campaign, since, keep)
            }
        }
    }

    pub(super) fn put_campaign(&mut self, terms: Terms) -> Outcome {
        let Terms { view, rules } = terms;
        let known = self.campaigns.entry(view.number).or_insert_with(|| Campaign {
            view,
            rules: rules.clone(),
            counts: Counts::default(),
            book: None,
        });
        if view.revision > known.view.revision {
            Invariant::IssuedNeverShrinks.check(view.issued >= known.view.issued);
            known.view = view;
            known.rules = rules;
        }
        known.open_book();
        Outcome::Unchanged
    }

    fn count(&mut self, campaign: CampaignNumber, change: impl FnOnce(&mut Counts)) {
        if let Some(campaign) = self.campaigns.get_mut(&campaign) {
            change(&mut campaign.counts);
        }
    }
}
