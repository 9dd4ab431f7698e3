//! The control sequence as a child would write it: a list of campaigns.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_domain::campaign::{Campaign, Codes, Revision, Status, Window};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{
    Changes, Command, Control, DraftCodes, Event, NewApiKey, Purpose, Record, Refusal, Role,
    SecretName,
};
use redeemd_domain::identifier::{ApiKeyId, ApiKeyNumber, CampaignId};
use redeemd_domain::machine::Outcome;

use super::lending_model::Lent;
use super::modelled::Stamp;
use super::rules_model;

/// What must be true of the control sequence.
#[derive(Debug, Default)]
pub(crate) struct ControlModel {
    /// What was lent of totals.
    pub(super) lent: BTreeMap<CampaignNumber, Lent>,
    campaigns: Vec<Campaign>,
    secrets: Vec<SecretName>,
    /// Identifier, role, and whether it was shut out.
    api_keys: Vec<(ApiKeyId, Role, bool)>,
    /// The digests that were let in.
    digests: Vec<[u8; 32]>,
}

/// What must be there before anything else.
const NEEDED: [Purpose; 3] = [Purpose::SealingKey, Purpose::Pepper, Purpose::PatternKey];

impl ControlModel {
    /// The campaigns, by number from 1.
    pub(crate) fn campaigns(&self) -> &[Campaign] {
        &self.campaigns
    }

    /// A secret that is needed and not there.
    pub(crate) fn missing_secret(&self) -> Option<SecretName> {
        let is_missing = |purpose: &Purpose| self.newest(*purpose) == 0;
        let missing = NEEDED.into_iter().find(is_missing);
        missing.map(|purpose| SecretName { purpose, number: 1 })
    }

    /// The number of the newest secret for a purpose; 0 where there is none.
    fn newest(&self, purpose: Purpose) -> u16 {
        let secrets = self.secrets.iter().filter(|name| name.purpose == purpose);
        secrets.map(|name| name.number).max().unwrap_or(0)
    }

    pub(super) fn judge(&self, command: &Command, stamp: Stamp) -> Outcome<Control> {
        if let Some((told, _)) = self.lend(command) {
            return Outcome::Acknowledged(told);
        }
        match self.execute(command, stamp) {
            Err(refusal) => Outcome::Refused(refusal),
            Ok(None) => Outcome::Unchanged,
            Ok(Some(event)) => {
                let asked = command.asked();
                let request = asked.and_then(|asked| asked.request);
                Outcome::Done(Arc::new(Record {
                    number: stamp.number,
                    at: stamp.at,
                    api_key: asked.map(|asked| asked.api_key).unwrap_or_default(),
                    request: request.map(|request| (request.digest, request.fingerprint)),
                    event,
                }))
            }
        }
    }

    pub(super) fn absorb(&mut self, command: &Command, outcome: &Outcome<Control>) {
        if let Some((_, Some((number, lent)))) = self.lend(command) {
            self.lent.insert(number, lent);
        }
        let Outcome::Done(record) = outcome else { return };
        if let Command::LetIn { key, .. } = command {
            self.digests.push(key.digest);
        }
        match &record.event {
            Event::ApiKeyAdded { id, role, .. } => self.api_keys.push((*id, *role, false)),
            Event::ApiKeyRevoked(id) => self.api_keys[id.number.0 as usize - 1].2 = true,
            _ => {}
        }
        if let Event::SecretAdded(name) = &record.event {
            self.secrets.push(*name);
        }
        let Some(campaign) = record.campaign() else { return };
        let place = campaign.id.number.0 as usize - 1;
        if place == self.campaigns.len() {
            self.campaigns.push(campaign.clone());
        } else {
            let before = std::mem::replace(&mut self.campaigns[place], campaign.clone());
            assert_eq!(before.revision.0 + 1, campaign.revision.0, "a revision is left out");
            if let Event::Issued { first, count, .. } = record.event {
                assert_eq!(first, before.issued, "a range of serials overlaps the one before");
                assert_eq!(first + count, campaign.issued);
            } else if let Event::PatternIssued { first, span, .. } = record.event {
                assert_eq!(first, before.issued, "indices overlap those before");
                assert_eq!(first + span, campaign.issued);
            } else {
                assert_eq!(before.issued, campaign.issued);
            }
        }
    }

    pub(super) fn compare(&self, machine: &Control) {
        let campaigns: Vec<_> = machine.campaigns().map(|campaign| &**campaign).collect();
        assert_eq!(campaigns, self.campaigns.iter().collect::<Vec<_>>());
        for campaign in &self.campaigns {
            let number = campaign.id.number;
            let shares = machine.shares(number).map(|shares| shares.books.clone());
            assert_eq!(shares, self.lent(number).map(|(books, _)| books.to_vec()));
            assert_eq!(machine.left_to_grant(number), self.lent(number).map(|(_, left)| left));
        }
        assert_eq!(machine.secrets().count(), self.secrets.len());
        let api_keys = machine.api_keys().map(|key| (key.id, key.role, key.revoked));
        assert_eq!(api_keys.collect::<Vec<_>>(), self.api_keys);
    }

    fn execute(&self, command: &Command, stamp: Stamp) -> Result<Option<Event>, Refusal> {
        match command {
            Command::Advance => Ok(None),
            Command::AddSecret(secret)
                if secret.name.number <= self.newest(secret.name.purpose) =>
            {
                Err(Refusal::SecretNotAdded)
            }
            Command::AddSecret(secret) => Ok(Some(Event::SecretAdded(secret.name))),
            Command::MakeCampaign { draft, .. } => {
                check(&draft.window)?;
                let codes = match &draft.codes {
                    DraftCodes::Sealed => match self.newest(Purpose::SealingKey) {
                        0 => return Err(Refusal::NoSealingKey),
                        epoch => Codes::Sealed { epoch },
                    },
                    DraftCodes::Imported => Codes::Imported,
                    DraftCodes::Pattern { pattern, allow_guessable } => Codes::Pattern {
                        pattern: pattern.clone(),
                        key: self.newest(Purpose::PatternKey),
                        pepper: self.newest(Purpose::Pepper),
                        allow_guessable: *allow_guessable,
                        skipped: Vec::new(),
                    },
                };
                let number = CampaignNumber(self.campaigns.len() as u32 + 1);
                Ok(Some(Event::CampaignMade(Box::new(Campaign {
                    id: CampaignId { at: stamp.at, number },
                    name: draft.name.clone(),
                    codes,
                    rules: rules_model::of_draft(draft.rules.as_deref()),
                    revision: Revision(1),
                    edition: Revision(1),
                    status: Status::Active,
                    window: draft.window,
                    uses_per_code: draft.uses_per_code,
                    issued: 0,
                    rewards: BTreeMap::from([(Revision(1), draft.reward.clone())]),
                    metadata: draft.metadata.clone(),
                }))))
            }
            Command::ChangeCampaign { campaign, edition, changes, .. } => {
                let before = self.changeable(*campaign, *edition)?;
                let after = changed(before, changes);
                check(&after.window)?;
                Ok(changed_event(before, after))
            }
            Command::ChangeRules { campaign, edition, changes, rules, .. } => {
                let before = self.changeable(*campaign, *edition)?;
                let mut after = changed(before, changes);
                check(&after.window)?;
                let former = before.rules.as_deref();
                after.rules = rules_model::changed(former, before.revision, rules);
                Ok(changed_event(before, after))
            }
            Command::SetStatus { campaign, status, .. } => {
                let before = self.campaign(*campaign)?;
                if before.status == Status::Archived && *status != Status::Archived {
                    return Err(Refusal::CampaignArchived);
                }
                Ok(changed_event(before, Campaign { status: *status, ..before.clone() }))
            }
            Command::Issue { campaign, count, .. } => {
                let before = self.campaign(*campaign)?;
                if before.status == Status::Archived {
                    return Err(Refusal::CampaignArchived);
                }
                if !matches!(before.codes, Codes::Sealed { .. }) {
                    return Err(Refusal::CodesNotGenerated);
                }
                let mut after = before.clone();
                after.issued += count;
                after.revision.0 += 1;
                let (first, count) = (before.issued, *count);
                Ok(Some(Event::Issued { campaign: Box::new(after), first, count }))
            }
            Command::LetIn { key, .. } => self.let_in(key, stamp).map(Some),
            Command::ShutOut { api_key, .. } => self.shut_out(*api_key),
            Command::RecordImport { campaign, import, .. } => {
                match self.campaign(*campaign)?.codes {
                    Codes::Imported => {
                        let (campaign, import) = (*campaign, import.clone());
                        Ok(Some(Event::Imported { campaign, import }))
                    }
                    _ => Err(Refusal::CodesNotImported),
                }
            }
            Command::KeepImport { campaign, import, remarks, .. } => {
                match self.campaign(*campaign)?.codes {
                    Codes::Imported => {
                        let campaign = *campaign;
                        let (import, remarks) = (import.clone(), remarks.clone());
                        Ok(Some(Event::ImportKept { campaign, import, remarks }))
                    }
                    _ => Err(Refusal::CodesNotImported),
                }
            }
            Command::IssuePattern { campaign, first, span, skipped, .. } => {
                let before = self.campaign(*campaign)?;
                if before.status == Status::Archived {
                    return Err(Refusal::CampaignArchived);
                }
                let mut after = before.clone();
                let Codes::Pattern { pattern, skipped: known, .. } = &mut after.codes else {
                    return Err(Refusal::CodesNotGenerated);
                };
                if *first != before.issued {
                    return Err(Refusal::IndicesNotNext);
                }
                known.extend(skipped);
                after.issued += span;
                // The simulator's patterns may all be guessable.
                if u128::from(after.issued) > pattern.possible() {
                    return Err(Refusal::PatternTooSmall);
                }
                after.revision.0 += 1;
                let (first, span) = (*first, *span);
                Ok(Some(Event::PatternIssued { campaign: Box::new(after), first, span }))
            }
            Command::AddApiKey(_)
            | Command::RevokeApiKey(_)
            | Command::OpenShares { .. }
            | Command::GrantShare { .. }
            | Command::RecordReturned { .. } => {
                unreachable!("the simulator sends none of these")
            }
        }
    }

    fn let_in(&self, key: &NewApiKey, stamp: Stamp) -> Result<Event, Refusal> {
        if self.digests.contains(&key.digest) {
            return Err(Refusal::AlreadyExists);
        }
        let number = ApiKeyNumber(self.api_keys.len() as u32 + 1);
        let id = ApiKeyId { at: stamp.at, number };
        Ok(Event::ApiKeyAdded { id, role: key.role, name: key.name.clone() })
    }

    fn shut_out(&self, number: ApiKeyNumber) -> Result<Option<Event>, Refusal> {
        let is_admin = |key: &&(ApiKeyId, Role, bool)| matches!(key, (_, Role::Admin, false));
        let admins = self.api_keys.iter().filter(is_admin).count();
        let mut keys = self.api_keys.iter();
        let key = keys.find(|(id, ..)| id.number == number).ok_or(Refusal::NotFound)?;
        match key {
            (_, _, true) => Ok(None),
            (_, Role::Admin, false) if admins == 1 => Err(Refusal::LastAdminKey),
            (id, ..) => Ok(Some(Event::ApiKeyRevoked(*id))),
        }
    }

    /// A campaign that may be changed by somebody who saw it as it was at an edition.
    fn changeable(
        &self,
        number: CampaignNumber,
        edition: Option<Revision>,
    ) -> Result<&Campaign, Refusal> {
        let campaign = self.campaign(number)?;
        if edition.is_some_and(|edition| edition != campaign.edition) {
            Err(Refusal::EditionChanged)
        } else if campaign.status == Status::Archived {
            Err(Refusal::CampaignArchived)
        } else {
            Ok(campaign)
        }
    }

    fn campaign(&self, number: CampaignNumber) -> Result<&Campaign, Refusal> {
        let place = (number.0 as usize).checked_sub(1).ok_or(Refusal::NotFound)?;
        self.campaigns.get(place).ok_or(Refusal::NotFound)
    }
}

fn check(window: &Window) -> Result<(), Refusal> {
    match (window.starts_at, window.expires_at) {
        (Some(start), Some(end)) if start >= end => Err(Refusal::EmptyWindow),
        _ => Ok(()),
    }
}

fn changed(before: &Campaign, changes: &Changes) -> Campaign {
    let mut after = before.clone();
    let Changes { name, starts_at, expires_at, uses_per_code, reward, metadata } = changes;
    after.name = name.clone().unwrap_or(after.name);
    after.window.starts_at = starts_at.unwrap_or(after.window.starts_at);
    after.window.expires_at = expires_at.unwrap_or(after.window.expires_at);
    after.uses_per_code = uses_per_code.unwrap_or(after.uses_per_code);
    after.metadata = metadata.clone().unwrap_or(after.metadata);
    if let Some(reward) = reward
        && before.rewards.values().next_back() != Some(reward)
    {
        after.rewards.insert(Revision(before.revision.0 + 1), reward.clone());
    }
    after
}

fn changed_event(before: &Campaign, mut after: Campaign) -> Option<Event> {
    if *before == after {
        return None;
    }
    after.revision = Revision(before.revision.0 + 1);
    after.edition = after.revision;
    Some(Event::CampaignChanged(Box::new(after)))
}
