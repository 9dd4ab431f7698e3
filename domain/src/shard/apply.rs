//! What each command does to a shard.

use std::sync::Arc;

use super::acknowledgement::Acknowledgement;
use super::command::{Change, Changed, Command, Event, List, Record, Redemption, Spend, Spent};
use super::judge::Verdict;
use super::query::{Query, Reply};
use super::{Campaign, Counts, Outcome, Shard};
use crate::campaign::{CampaignView, Terms};
use crate::codes::CampaignNumber;
use crate::entry::Entry;
use crate::invariant::Invariant;
use crate::machine::{Machine, Recollection};
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::timestamp::Timestamp;

/// What every command knows of its entry.
#[derive(Clone, Copy)]
struct Stamp {
    number: u64,
    at: Timestamp,
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

    fn redeem(&mut self, stamp: Stamp, spend: Spend) -> Outcome {
        let Spend { redeem, claim, amount: _ } = spend;
        let (view, mut state) = match self.judge(&redeem.code, redeem.request.as_ref(), stamp.at) {
            Verdict::Granted { view, state } => (view, state),
            Verdict::Refused(refusal) => return Outcome::Refused(refusal),
            Verdict::SearchLedger { through } => return Outcome::SearchLedger { through },
            Verdict::Replayed(record) => return Outcome::Replayed(record),
        };
        state.uses += 1;
        let limit = view.uses_per_code;
        Invariant::UsesWithinLimit.check(limit.is_none_or(|limit| state.uses <= u64::from(limit)));
        let uses = u32::try_from(state.uses).unwrap_or(u32::MAX);
        self.set_state(&redeem.code, view.issued, state);
        self.count(&view, |counts| counts.redeemed += 1);
        let redemption = Redemption {
            code: redeem.code,
            campaign: view.number,
            revision: view.revision,
            generation: state.generation,
            uses_left: limit.map(|limit| limit.saturating_sub(uses)),
            user: redeem.user,
            metadata: redeem.metadata,
        };
        Outcome::Done(Arc::new(Record {
            number: stamp.number,
            at: stamp.at,
            api_key: redeem.api_key,
            request: redeem.request.map(|request| (request.digest, request.fingerprint)),
            event: match self.rules(view.number) {
                None => Event::Redeemed(redemption),
                Some(_) => {
                    Event::Spent(Box::new(Spent { redemption, claim, money: None, hold: None }))
                }
            },
        }))
    }

    /// The rules of a campaign, if it has or ever had any.
    fn rules(&self, campaign: CampaignNumber) -> Option<&Arc<Rules>> {
        self.campaigns.get(&campaign)?.rules.as_ref()
    }

    /// The outcome of a change that was answered before, or may have been. A code's state does not
    /// tell whether it was ever revoked, so the ledger is asked about every key.
    fn settled(&self, change: &Change) -> Option<Outcome> {
        let request = change.request.as_ref()?;
        match self.recent.recall(request) {
            Recollection::Answered(record) => Some(Outcome::Replayed(record)),
            Recollection::Reused => Some(Outcome::Refused(Refusal::IdempotencyKeyReused)),
            Recollection::Unknown => self
                .must_search(Some(request))
                .then(|| Outcome::SearchLedger { through: self.forgotten() }),
        }
    }

    fn set_revoked(&mut self, stamp: Stamp, change: Change, revoked: bool) -> Outcome {
        if let Some(settled) = self.settled(&change) {
            return settled;
        }
        let Some((campaign, mut state)) = self.find(&change.code) else {
            return Outcome::Refused(Refusal::InvalidCode);
        };
        if state.revoked == revoked {
            return Outcome::Unchanged;
        }
        let view = campaign.view;
        state.revoked = revoked;
        self.set_state(&change.code, view.issued, state);
        self.count(&view, |counts| {
            counts.revoked =
                if revoked { counts.revoked + 1 } else { counts.revoked.saturating_sub(1) };
        });
        let changed = Changed { code: change.code, campaign: view.number, reason: change.reason };
        Outcome::Done(Arc::new(Record {
            number: stamp.number,
            at: stamp.at,
            api_key: change.api_key,
            request: change.request.map(|request| (request.digest, request.fingerprint)),
            event: if revoked { Event::Revoked(changed) } else { Event::Restored(changed) },
        }))
    }

    fn list(&mut self, stamp: Stamp, list: List) -> Outcome {
        let Some(view) = self.campaigns.get(&list.campaign).map(|campaign| campaign.view) else {
            return Outcome::Refused(Refusal::InvalidCode);
        };
        let Some(owner) = self.owner(list.campaign) else {
            return Outcome::Refused(Refusal::InvalidCode);
        };
        let mut added = Vec::with_capacity(list.digests.len());
        let mut duplicates = Vec::new();
        for (place, digest) in list.digests.into_iter().enumerate() {
            let new = self.slot_mut(digest.slot()).is_some_and(|slot| slot.list(digest, owner));
            if new {
                added.push(digest);
            } else {
                duplicates.push(u16::try_from(place).unwrap_or(u16::MAX));
            }
        }
        let count = added.len() as u64;
        self.count(&view, |counts| counts.listed += count);
        Outcome::Done(Arc::new(Record {
            number: stamp.number,
            at: stamp.at,
            api_key: list.api_key,
            request: None,
            event: Event::Listed { campaign: list.campaign, digests: added, duplicates },
        }))
    }

    /// The number under which the slots know a campaign of listed codes; `None` when a shard has
    /// more such campaigns than it can number, which is over sixteen million.
    fn owner(&mut self, campaign: CampaignNumber) -> Option<u32> {
        let place = match self.owners.iter().rposition(|&owner| owner == campaign) {
            Some(place) => place,
            None if self.owners.len() < super::listed_table::MAX_OWNERS => {
                self.owners.push(campaign);
                self.owners.len() - 1
            }
            None => return None,
        };
        u32::try_from(place).ok()
    }

    fn count(&mut self, view: &CampaignView, change: impl FnOnce(&mut Counts)) {
        if let Some(campaign) = self.campaigns.get_mut(&view.number) {
            change(&mut campaign.counts);
        }
    }
}
