//! A naive shard: hash maps, one place for every code, and a memory that forgets nothing.

use std::collections::HashMap;
use std::sync::Arc;

use redeemd_domain::campaign::{CampaignView, Status};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Machine;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{Changed, Command, Counts, Event, Outcome, Record, Redemption, Shard};
use redeemd_domain::timestamp::Timestamp;

use crate::answers::Answers;
use crate::shard_history::Deed;

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) views: HashMap<CampaignNumber, CampaignView>,
    pub(crate) listed: HashMap<Digest, CampaignNumber>,
    pub(crate) uses: HashMap<CodeKey, u64>,
    pub(crate) revoked: HashMap<CodeKey, bool>,
    answers: Answers<Record>,
}

impl Model {
    /// The rules for a code, if it exists.
    pub(crate) fn rules(&self, code: &CodeKey) -> Option<CampaignView> {
        match code {
            CodeKey::Sealed { campaign, serial } => {
                self.views.get(campaign).filter(|view| serial.number() < view.issued).copied()
            }
            CodeKey::Listed(digest) => Some(self.views[self.listed.get(digest)?]),
        }
    }

    pub(crate) fn put(&mut self, view: CampaignView) {
        let known = self.views.entry(view.number).or_insert(view);
        if known.revision < view.revision {
            *known = view;
        }
    }

    fn refusal(&self, code: &CodeKey, at: Timestamp) -> Option<Refusal> {
        let Some(view) = self.rules(code) else { return Some(Refusal::InvalidCode) };
        let used = self.uses.get(code).copied().unwrap_or(0);
        if self.revoked.get(code) == Some(&true) {
            Some(Refusal::Revoked)
        } else if view.window.starts_at > Some(at) {
            Some(Refusal::NotYetValid)
        } else if view.window.expires_at.is_some_and(|end| end <= at) {
            Some(Refusal::Expired)
        } else if view.status == Status::Archived {
            Some(Refusal::CampaignArchived)
        } else if view.status == Status::Paused {
            Some(Refusal::CampaignPaused)
        } else if view.uses_per_code.is_some_and(|limit| used >= limit.into()) {
            Some(Refusal::AlreadyRedeemed)
        } else {
            None
        }
    }

    /// What should come of a command about a code, were it the entry `number`.
    pub(crate) fn on_code(
        &mut self,
        deed: Deed,
        command: Command,
        number: u64,
        at: u64,
    ) -> Outcome {
        let at = Timestamp(at);
        let code = command.code().unwrap();
        let answered = self.answers.recall(command.request(), Refusal::IdempotencyKeyReused);
        if let Some(outcome) = answered {
            return outcome;
        }
        let request = command.request().map(|request| (request.digest, request.fingerprint));
        let Some(view) = self.rules(&code) else { return Outcome::Refused(Refusal::InvalidCode) };
        let event = match command {
            Command::Redeem(redeem) => {
                if let Some(refusal) = self.refusal(&code, at) {
                    return Outcome::Refused(refusal);
                }
                let uses = self.uses.entry(code).or_insert(0);
                *uses += 1;
                let used = u32::try_from(*uses).unwrap();
                Event::Redeemed(Redemption {
                    code,
                    campaign: view.number,
                    revision: view.revision,
                    generation: 0,
                    uses_left: view.uses_per_code.map(|limit| limit - used),
                    user: redeem.user,
                    metadata: redeem.metadata,
                })
            }
            Command::Revoke(change) | Command::Restore(change) => {
                let revoked = self.revoked.entry(code).or_insert(false);
                if *revoked == (deed == Deed::Revoke) {
                    return Outcome::Unchanged;
                }
                *revoked = !*revoked;
                let changed = Changed { code, campaign: view.number, reason: change.reason };
                if *revoked { Event::Revoked(changed) } else { Event::Restored(changed) }
            }
            _ => unreachable!("not about a code"),
        };
        let record = Arc::new(Record { number, at, api_key: ApiKeyNumber(1), request, event });
        self.answers.remember(&record);
        Outcome::Done(record)
    }

    /// What should come of bringing codes in.
    pub(crate) fn list(&mut self, campaign: u32, digests: &[Digest]) -> Result<Event, Refusal> {
        let campaign = CampaignNumber(campaign);
        if !self.views.contains_key(&campaign) {
            return Err(Refusal::InvalidCode);
        }
        let (mut added, mut duplicates) = (Vec::new(), Vec::new());
        for (place, digest) in digests.iter().enumerate() {
            if self.listed.contains_key(digest) {
                duplicates.push(u16::try_from(place).unwrap());
            } else {
                self.listed.insert(*digest, campaign);
                added.push(*digest);
            }
        }
        Ok(Event::Listed { campaign, digests: added, duplicates })
    }

    /// Asserts that the shard knows of every code and campaign what this model knows.
    pub(crate) fn check(&self, shard: &Shard) {
        let mut counts: HashMap<_, Counts> = HashMap::new();
        for owner in self.listed.values() {
            counts.entry(*owner).or_default().listed += 1;
        }
        let codes = self.uses.keys().chain(self.revoked.keys()).copied();
        let codes = codes.chain(self.listed.keys().map(|digest| CodeKey::Listed(*digest)));
        for code in codes.collect::<std::collections::HashSet<_>>() {
            let (campaign, state) = shard.find(&code).unwrap();
            assert_eq!(Some(campaign.view), self.rules(&code));
            assert_eq!(state.uses, self.uses.get(&code).copied().unwrap_or(0), "{code:?}");
            assert_eq!(state.revoked, self.revoked.get(&code) == Some(&true), "{code:?}");
            let at = shard.time();
            assert_eq!(shard.validate(&code, None, at).err(), self.refusal(&code, at), "{code:?}");
            let counts = counts.entry(campaign.view.number).or_default();
            counts.redeemed += state.uses;
            counts.revoked += u64::from(state.revoked);
        }
        for campaign in shard.campaigns() {
            let number = campaign.view.number;
            assert_eq!(campaign.view, self.views[&number]);
            assert_eq!(campaign.counts, counts.remove(&number).unwrap_or_default(), "{number}");
        }
        assert_eq!(shard.campaigns().count(), self.views.len());
    }
}
