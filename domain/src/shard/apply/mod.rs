//! What each command does to a shard.

mod change;
mod holds;
mod list;
mod money;
mod redeem;
mod roll_back;
mod uses;

use std::sync::Arc;

use super::acknowledgement::Acknowledgement;
use super::command::{Command, Event, Record, Spend};
use super::judge::Moment;
use super::query::{Query, Reply};
use super::{Campaign, Counts, Outcome, Shard};
use crate::campaign::Terms;
use crate::codes::CampaignNumber;
use crate::entry::Entry;
use crate::identifier::ApiKeyNumber;
use crate::invariant::Invariant;
use crate::machine::Machine;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::timestamp::Timestamp;

/// What every command knows of its entry.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    /// Its number.
    pub(super) number: u64,
    /// Its time.
    pub(super) at: Timestamp,
}

impl Stamp {
    /// The outcome of an entry that changed something.
    fn done(self, api_key: ApiKeyNumber, request: Option<Request>, event: Event) -> Outcome {
        let request = request.map(|request| (request.digest, request.fingerprint));
        let Self { number, at } = self;
        Outcome::Done(Arc::new(Record { number, at, api_key, request, event }))
    }
}

impl Machine for Shard {
    type Command = Command;
    type Record = Record;
    type Acknowledgement = Acknowledgement;
    type Refusal = Refusal;
    type Query = Query;
    type Reply = Reply;

    fn last(&self) -> u64 {
        self.last
    }

    fn time(&self) -> Timestamp {
        self.time
    }

    fn forgotten(&self) -> u64 {
        self.recent.forgotten()
    }

    fn remembered(&self) -> usize {
        self.recent.records().len()
    }

    fn apply(&mut self, entry: Entry<Command>) -> Outcome {
        Invariant::EntriesInOrder.check(entry.number == self.last + 1);
        Invariant::TimeNeverRunsBackwards.check(entry.at >= self.time);
        let stamp = Stamp { number: entry.number, at: entry.at };
        self.last = entry.number;
        self.time = entry.at.max(self.time);
        self.recent.forget(entry.covered);
        let outcome = match entry.command {
            Command::Advance => Outcome::Unchanged,
            Command::PutCampaign(view) => self.put_campaign(Terms { view, rules: None }),
            Command::PutRules { view, rules } => {
                self.put_campaign(Terms { view, rules: Some(rules) })
            }
            Command::Redeem(redeem) => self.redeem(stamp, Spend::plain(redeem)),
            Command::Spend(spend) => self.redeem(stamp, spend),
            Command::Revoke(change) => self.set_revoked(stamp, change, true),
            Command::Restore(change) => self.set_revoked(stamp, change, false),
            Command::List(list) => self.list(stamp, list),
            Command::RollBack(roll_back) => self.roll_back(stamp, *roll_back),
            Command::PlaceHold(place) => self.place_hold(stamp, place),
            Command::Confirm(confirm) => self.confirm(stamp, *confirm),
            Command::Release(release) => self.release(stamp, release),
            Command::Expire { at_most } => self.expire(stamp, at_most),
            Command::TopUp(top_up) => self.top_up(stamp, top_up),
        };
        if let Outcome::Done(record) = &outcome {
            self.recent.remember(record);
        }
        outcome
    }

    fn foresee(&self, command: &Command, now: Timestamp) -> Option<Outcome> {
        let at = now.max(self.time);
        match command {
            Command::Redeem(redeem) => self.judge(redeem, None, at, Moment::Foresight).settled(),
            Command::Spend(Spend { redeem, amount, .. }) => {
                self.judge(redeem, *amount, at, Moment::Foresight).settled()
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
            Command::Advance
            | Command::PutCampaign(_)
            | Command::PutRules { .. }
            | Command::List(_)
            | Command::Expire { .. } => None,
        }
    }

    fn held(&self) -> u64 {
        self.expiries.live()
    }

    fn due(&self, at: Timestamp) -> Vec<Command> {
        self.expiring(at.max(self.time))
    }

    fn reply(&self, query: &Query, now: Timestamp) -> Reply {
        self.reply_to(query, now.max(self.time))
    }

    fn advance() -> Command {
        Command::Advance
    }

    fn encode<E>(&self, write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.encode_sections(write)
    }
}

impl Shard {
    fn put_campaign(&mut self, terms: Terms) -> Outcome {
        let Terms { view, rules } = terms;
        let known = self.campaigns.entry(view.number).or_insert_with(|| Campaign {
            view,
            rules: rules.clone(),
            counts: Counts::default(),
        });
        if view.revision > known.view.revision {
            Invariant::IssuedNeverShrinks.check(view.issued >= known.view.issued);
            known.view = view;
            known.rules = rules;
        }
        Outcome::Unchanged
    }

    fn count(&mut self, campaign: CampaignNumber, change: impl FnOnce(&mut Counts)) {
        if let Some(campaign) = self.campaigns.get_mut(&campaign) {
            change(&mut campaign.counts);
        }
    }
}
