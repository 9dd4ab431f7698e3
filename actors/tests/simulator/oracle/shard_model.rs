//! A shard as a child would write it: campaigns, and a map from code to what happened to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redeemd_domain::campaign::Terms;
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{
    Acknowledgement, Change, Changed, Command, Confirm, Event, List, Otherwise, Record, Shard,
    Spend,
};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;

use super::code_life::CodeLife;
use super::life_model::Judged;
use super::limits::Limits;
use super::modelled::{Modelled as _, Stamp};

/// What must be true of a shard.
#[derive(Debug)]
pub(crate) struct ShardModel {
    pub(super) campaigns: BTreeMap<CampaignNumber, Terms>,
    pub(super) listed: BTreeMap<Digest, CampaignNumber>,
    pub(super) codes: BTreeMap<CodeKey, CodeLife>,
    pub(super) limits: Limits,
    /// How many holds ended by themselves.
    expired: u64,
}

impl ShardModel {
    pub(super) fn new(layout: ShardLayout, sequence: SequenceId) -> Self {
        Self {
            campaigns: BTreeMap::new(),
            listed: BTreeMap::new(),
            codes: BTreeMap::new(),
            limits: Limits::new(layout, sequence),
            expired: 0,
        }
    }

    pub(crate) fn campaign(&self, number: CampaignNumber) -> Option<&Terms> {
        self.campaigns.get(&number)
    }

    /// How many holds ended by themselves.
    pub(crate) fn expired(&self) -> u64 {
        self.expired
    }

    pub(super) fn judge(&self, command: &Command, stamp: Stamp) -> Outcome<Shard> {
        if let Some(outcome) = self.step(command, stamp) {
            return outcome;
        }
        let judged = match command {
            Command::Advance | Command::PutCampaign(_) | Command::PutRules { .. } => {
                return Outcome::Unchanged;
            }
            Command::Redeem(redeem) => self.redeem(&Spend::plain(redeem.clone()), stamp),
            Command::Spend(spend) => self.redeem(spend, stamp),
            Command::Revoke(change) => self.mark(change, true),
            Command::Restore(change) => self.mark(change, false),
            Command::List(list) => self.list(list),
            Command::RollBack(roll_back) => self.roll_back(roll_back, stamp.at),
            Command::PlaceHold(place) => self.place_hold(place, stamp),
            Command::Confirm(confirm) => self.confirm(confirm, stamp),
            Command::Release(release) => self.release(release, stamp),
            Command::Expire { at_most } => self.expire(*at_most, stamp.at),
            Command::TopUp(top_up) => self.top_up(top_up),
            command => unreachable!("{command:?} is a step"),
        };
        let event = match judged {
            Ok(event) => event,
            Err(outcome) => return outcome,
        };
        let api_key = Shard::attempt(command).map(|attempt| attempt.0).unwrap_or_default();
        Outcome::Done(Arc::new(Record {
            number: stamp.number,
            at: stamp.at,
            api_key: ApiKeyNumber(api_key),
            request: command.request().map(|request| (request.digest, request.fingerprint)),
            event,
        }))
    }

    /// What is settled before it is even looked whether a request was answered: a claim serves one
    /// attempt.
    pub(super) fn foremost(&self, command: &Command) -> Option<Outcome<Shard>> {
        let is_void = self.is_void(command.claim()?);
        is_void.then_some(Outcome::Acknowledged(Acknowledgement::ClaimVoid))
    }

    pub(super) fn must_be_searched(&self, command: &Command) -> bool {
        let was_used = |code| self.terms(code).is_some() && self.life(code).was_ever_used();
        match command {
            // A code that does not exist or was never used was never answered for.
            Command::Redeem(redeem) => was_used(&redeem.code),
            Command::Spend(spend) => was_used(&spend.redeem.code),
            // What is still held was never confirmed.
            Command::Confirm(confirm) => {
                let Confirm { hold, spend, otherwise } = &**confirm;
                let code = &spend.redeem.code;
                let is_held = self.life(code).hold(*hold).is_some();
                let may_be_answered = match otherwise {
                    Otherwise::Refuse => self.terms(code).is_some(),
                    Otherwise::TakeIfFree => was_used(code),
                };
                !is_held && may_be_answered
            }
            Command::Revoke(_)
            | Command::Restore(_)
            | Command::RollBack(_)
            | Command::PlaceHold(_)
            | Command::TopUp(_) => true,
            _ => false,
        }
    }

    pub(super) fn absorb(&mut self, command: &Command, at: Timestamp, outcome: &Outcome<Shard>) {
        self.absorb_step(command, at, outcome);
        if let Some(claim) = command.claim() {
            self.absorb_attempt(claim, outcome);
        }
        if let Outcome::Done(record) = outcome {
            self.absorb_return(record);
        }
        match command {
            Command::PutCampaign(view) => self.put(Terms { view: *view, rules: None }),
            Command::PutRules { view, rules } => {
                self.put(Terms { view: *view, rules: Some(Arc::clone(rules)) });
            }
            _ => {}
        }
        let Outcome::Done(record) = outcome else { return };
        match &record.event {
            Event::Listed { campaign, digests, .. } => {
                self.listed.extend(digests.iter().map(|digest| (*digest, *campaign)));
            }
            Event::HoldsExpired(ended) => {
                self.expired += ended.len() as u64;
                for ended in ended {
                    let life = self.codes.entry(ended.code).or_default();
                    life.end(|hold| hold.id == ended.id);
                }
            }
            _ => record.codes(&mut |code| self.codes.entry(code).or_default().absorb(record)),
        }
    }

    fn put(&mut self, terms: Terms) {
        let number = terms.view.number;
        let known = self.campaigns.entry(number).or_insert_with(|| terms.clone());
        if terms.view.revision > known.view.revision {
            *known = terms;
        }
        self.open_book(number);
    }

    pub(super) fn terms(&self, code: &CodeKey) -> Option<&Terms> {
        match code {
            CodeKey::Sealed { campaign, serial } => {
                let terms = self.campaigns.get(campaign);
                terms.filter(|terms| serial.number() < terms.view.issued)
            }
            CodeKey::Listed(digest) => self.campaigns.get(self.listed.get(digest)?),
        }
    }

    fn list(&self, list: &List) -> Judged {
        if !self.campaigns.contains_key(&list.campaign) {
            return Err(Outcome::Refused(Refusal::InvalidCode));
        }
        let mut seen = BTreeSet::new();
        let mut digests = Vec::new();
        let mut duplicates = Vec::new();
        for (place, digest) in list.digests.iter().enumerate() {
            if seen.insert(*digest.as_bytes()) && !self.listed.contains_key(digest) {
                digests.push(*digest);
            } else {
                duplicates.push(place as u16);
            }
        }
        Ok(Event::Listed { campaign: list.campaign, digests, duplicates })
    }

    fn mark(&self, change: &Change, revokes: bool) -> Judged {
        let Some(terms) = self.terms(&change.code) else {
            return Err(Outcome::Refused(Refusal::InvalidCode));
        };
        if self.life(&change.code).revoked == revokes {
            return Err(Outcome::Unchanged);
        }
        let (campaign, reason) = (terms.view.number, change.reason.clone());
        let changed = Changed { code: change.code, campaign, reason };
        Ok(if revokes { Event::Revoked(changed) } else { Event::Restored(changed) })
    }
}
