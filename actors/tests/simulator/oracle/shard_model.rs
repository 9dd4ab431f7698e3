//! A shard as a child would write it: a map from code to what happened to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redeemd_domain::campaign::{CampaignView, Status};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest};
use redeemd_domain::machine::Outcome;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{
    Change, Changed, Command, Event, Query, Record, Redemption, Reply, Shard,
};
use redeemd_domain::timestamp::Timestamp;

use super::modelled::{Modelled as _, Stamp};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Code {
    uses: u64,
    revoked: bool,
}

/// What must be true of a shard.
#[derive(Debug, Default)]
pub(crate) struct ShardModel {
    campaigns: BTreeMap<CampaignNumber, CampaignView>,
    listed: BTreeMap<Digest, CampaignNumber>,
    codes: BTreeMap<CodeKey, Code>,
}

impl ShardModel {
    pub(crate) fn campaign(&self, number: CampaignNumber) -> Option<&CampaignView> {
        self.campaigns.get(&number)
    }

    pub(super) fn judge(&self, command: &Command, stamp: Stamp) -> Outcome<Shard> {
        let event = match command {
            Command::Advance | Command::PutCampaign(_) => return Outcome::Unchanged,
            Command::PutRules { .. }
            | Command::Spend(_)
            | Command::RollBack(_)
            | Command::PlaceHold(_)
            | Command::Confirm(_)
            | Command::Release(_)
            | Command::Expire { .. }
            | Command::TopUp(_)
            | Command::ClaimUse(_)
            | Command::Settle(_)
            | Command::Forbid(_)
            | Command::GiveBack(_)
            | Command::Delivered { .. }
            | Command::TakeShare { .. }
            | Command::ReturnShare { .. } => unreachable!("nobody sends it"),
            Command::Redeem(redeem) => {
                if let Some(refusal) = self.refusal(&redeem.code, stamp.at) {
                    return Outcome::Refused(refusal);
                }
                let Some(view) = self.view(&redeem.code) else { unreachable!("it is not refused") };
                let uses = self.code(&redeem.code).uses + 1;
                Event::Redeemed(Redemption {
                    code: redeem.code,
                    campaign: view.number,
                    revision: view.revision,
                    generation: 0,
                    uses_left: view.uses_per_code.map(|limit| {
                        assert!(uses <= limit.into(), "a use too many of {:?}", redeem.code);
                        limit - uses as u32
                    }),
                    user: redeem.user.clone(),
                    metadata: redeem.metadata.clone(),
                })
            }
            Command::Revoke(change) | Command::Restore(change) => {
                let revokes = matches!(command, Command::Revoke(_));
                match self.mark(change, revokes) {
                    Ok(event) => event,
                    Err(outcome) => return outcome,
                }
            }
            Command::List(list) => {
                if !self.campaigns.contains_key(&list.campaign) {
                    return Outcome::Refused(Refusal::InvalidCode);
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
                Event::Listed { campaign: list.campaign, digests, duplicates }
            }
        };
        let api_key = Shard::attempt(command).map(|attempt| attempt.0).unwrap_or_default();
        Outcome::Done(Arc::new(Record {
            number: stamp.number,
            at: stamp.at,
            api_key: redeemd_domain::identifier::ApiKeyNumber(api_key),
            request: command.request().map(|request| (request.digest, request.fingerprint)),
            event,
        }))
    }

    pub(super) fn must_be_searched(&self, command: &Command) -> bool {
        match command {
            // A code that does not exist or was never used was never answered for.
            Command::Redeem(redeem) => {
                self.view(&redeem.code).is_some() && self.code(&redeem.code).uses > 0
            }
            Command::Revoke(_) | Command::Restore(_) => true,
            _ => false,
        }
    }

    pub(super) fn absorb(&mut self, command: &Command, outcome: &Outcome<Shard>) {
        if let Command::PutCampaign(view) = command {
            let known = self.campaigns.entry(view.number).or_insert(*view);
            if view.revision > known.revision {
                *known = *view;
            }
        }
        let Outcome::Done(record) = outcome else { return };
        match &record.event {
            Event::Spent(_)
            | Event::RolledBack(_)
            | Event::HoldPlaced(_)
            | Event::HoldReleased(_)
            | Event::HoldsExpired(_)
            | Event::ToppedUp(_) => unreachable!("nobody asks for it"),
            Event::Redeemed(redemption) => self.codes.entry(redemption.code).or_default().uses += 1,
            Event::Revoked(changed) => self.codes.entry(changed.code).or_default().revoked = true,
            Event::Restored(changed) => self.codes.entry(changed.code).or_default().revoked = false,
            Event::Listed { campaign, digests, .. } => {
                self.listed.extend(digests.iter().map(|digest| (*digest, *campaign)));
            }
        }
    }

    pub(super) fn check_reply(&self, query: &Query, reply: &Reply, at: Timestamp) {
        match (query, reply) {
            (Query::Validate { code, .. }, Reply::Validated(Ok(validated))) => {
                assert_eq!(self.refusal(code, at), None, "{code:?} is called valid");
                assert_eq!(Some(&validated.campaign), self.view(code));
                assert_eq!(validated.state.uses, self.code(code).uses);
            }
            (Query::Validate { code, .. }, Reply::Validated(Err(refusal))) => {
                assert_eq!(self.refusal(code, at), Some(*refusal), "{code:?} is called invalid");
            }
            (query, reply) => panic!("{query:?} is replied to with {reply:?}"),
        }
    }

    pub(super) fn compare(&self, machine: &Shard) {
        for (key, code) in &self.codes {
            let found = machine.find(key).map(|(_, state)| (state.uses, state.revoked));
            assert_eq!(found, Some((code.uses, code.revoked)), "the state has {key:?} otherwise");
        }
        let views: Vec<_> = machine.campaigns().map(|campaign| campaign.view).collect();
        assert_eq!(views, self.campaigns.values().copied().collect::<Vec<_>>());
        for campaign in machine.campaigns() {
            let number = campaign.view.number;
            let (mut redeemed, mut revoked) = (0, 0);
            for (key, code) in &self.codes {
                if self.view(key).is_some_and(|view| view.number == number) {
                    redeemed += code.uses;
                    revoked += u64::from(code.revoked);
                }
            }
            let listed = self.listed.values().filter(|owner| **owner == number).count() as u64;
            let counts = campaign.counts;
            assert_eq!(
                (counts.redeemed, counts.revoked, counts.listed),
                (redeemed, revoked, listed),
                "the counts of campaign {number}"
            );
        }
    }

    fn view(&self, code: &CodeKey) -> Option<&CampaignView> {
        match code {
            CodeKey::Sealed { campaign, serial } => {
                self.campaigns.get(campaign).filter(|view| serial.number() < view.issued)
            }
            CodeKey::Listed(digest) => self.campaigns.get(self.listed.get(digest)?),
        }
    }

    fn code(&self, code: &CodeKey) -> Code {
        self.codes.get(code).copied().unwrap_or_default()
    }

    fn refusal(&self, key: &CodeKey, at: Timestamp) -> Option<Refusal> {
        let Some(view) = self.view(key) else { return Some(Refusal::InvalidCode) };
        let code = self.code(key);
        if code.revoked {
            Some(Refusal::Revoked)
        } else if view.window.starts_at.is_some_and(|start| at < start) {
            Some(Refusal::NotYetValid)
        } else if view.window.expires_at.is_some_and(|end| end <= at) {
            Some(Refusal::Expired)
        } else if view.status == Status::Archived {
            Some(Refusal::CampaignArchived)
        } else if view.status == Status::Paused {
            Some(Refusal::CampaignPaused)
        } else if view.uses_per_code.is_some_and(|limit| code.uses >= limit.into()) {
            Some(Refusal::AlreadyRedeemed)
        } else {
            None
        }
    }

    fn mark(&self, change: &Change, revokes: bool) -> Result<Event, Outcome<Shard>> {
        let Some(view) = self.view(&change.code) else {
            return Err(Outcome::Refused(Refusal::InvalidCode));
        };
        if self.code(&change.code).revoked == revokes {
            return Err(Outcome::Unchanged);
        }
        let changed =
            Changed { code: change.code, campaign: view.number, reason: change.reason.clone() };
        Ok(if revokes { Event::Revoked(changed) } else { Event::Restored(changed) })
    }
}
