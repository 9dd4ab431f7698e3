//! What each command does to a shard.

mod change;
mod list;
mod redeem;

use std::sync::Arc;

use super::acknowledgement::Acknowledgement;
use super::command::{Command, Record, Spend};
use super::judge::Verdict;
use super::query::{Query, Reply};
use super::{Campaign, Counts, Outcome, Shard};
use crate::campaign::{CampaignView, Terms};
use crate::codes::CampaignNumber;
use crate::entry::Entry;
use crate::invariant::Invariant;
use crate::machine::Machine;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::timestamp::Timestamp;

/// What every command knows of its entry.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    /// Its number.
    pub(super) number: u64,
    /// Its time.
    pub(super) at: Timestamp,
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
        };
        if let Outcome::Done(record) = &outcome {
            self.recent.remember(record);
        }
        outcome
    }

    fn foresee(&self, command: &Command, now: Timestamp) -> Option<Outcome> {
        match command {
            Command::Redeem(redeem) | Command::Spend(Spend { redeem, .. }) => {
                match self.judge(&redeem.code, redeem.request.as_ref(), now.max(self.time)) {
                    Verdict::Granted { .. } => None,
                    Verdict::Refused(refusal) => Some(Outcome::Refused(refusal)),
                    Verdict::SearchLedger { through } => Some(Outcome::SearchLedger { through }),
                    Verdict::Replayed(record) => Some(Outcome::Replayed(record)),
                }
            }
            Command::Revoke(change) | Command::Restore(change) => self.settled(change),
            Command::Advance
            | Command::PutCampaign(_)
            | Command::PutRules { .. }
            | Command::List(_) => None,
        }
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

    /// The rules of a campaign, if it has or ever had any.
    fn rules(&self, campaign: CampaignNumber) -> Option<&Arc<Rules>> {
        self.campaigns.get(&campaign)?.rules.as_ref()
    }

    fn count(&mut self, view: &CampaignView, change: impl FnOnce(&mut Counts)) {
        if let Some(campaign) = self.campaigns.get_mut(&view.number) {
            change(&mut campaign.counts);
        }
    }
}
