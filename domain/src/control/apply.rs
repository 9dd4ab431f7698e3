//! What each command does to the control sequence.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use super::command::{Asked, Command, Event, NewApiKey, Record, Role};
use super::draft::{Changes, Draft, DraftCodes, RuleChanges};
use super::secrets::{MAX_SEALING_KEYS, Purpose, Secret};
use super::{Acknowledgement, ApiKey, Control, MAX_API_KEYS, Outcome, Refusal, rules};
use crate::campaign::{Campaign, Codes, MAX_REWARDS, Revision, Status, Window};
use crate::codes::CampaignNumber;
use crate::entry::Entry;
use crate::identifier::{ApiKeyId, ApiKeyNumber, CampaignId};
use crate::invariant::Invariant;
use crate::machine::{Machine, Recollection};
use crate::timestamp::Timestamp;

pub(super) type Result<T> = std::result::Result<T, Refusal>;

impl Machine for Control {
    type Command = Command;
    type Record = Record;
    type Acknowledgement = Acknowledgement;
    type Refusal = Refusal;
    type Query = Infallible;
    type Reply = Infallible;

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
        self.last = entry.number;
        self.time = entry.at.max(self.time);
        self.recent.forget(entry.covered);
        if let Some(told) = self.lend(&entry.command) {
            return Outcome::Acknowledged(told);
        }
        let asked = entry.command.asked();
        if let Some(settled) = self.settled(asked) {
            return settled;
        }
        let event = match self.execute(entry.at, entry.command) {
            Ok(Some(event)) => event,
            Ok(None) => return Outcome::Unchanged,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let request = asked.and_then(|asked| asked.request);
        let record = Arc::new(Record {
            number: entry.number,
            at: entry.at,
            api_key: asked.map(|asked| asked.api_key).unwrap_or_default(),
            request: request.map(|request| (request.digest, request.fingerprint)),
            event,
        });
        self.recent.remember(&record);
        Outcome::Done(record)
    }

    fn foresee(&self, command: &Command, _now: Timestamp) -> Option<Outcome> {
        self.settled(command.asked())
    }

    fn reply(&self, query: &Infallible, _now: Timestamp) -> Infallible {
        // Everybody who asks has a copy of the whole state at hand.
        *query
    }

    fn advance() -> Command {
        Command::Advance
    }

    fn encode<E>(
        &self,
        write: impl FnMut(&[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.encode_sections(write)
    }
}

impl Command {
    /// Who asked for it, unless it was the server itself.
    pub fn asked(&self) -> Option<Asked> {
        match self {
            Self::Advance
            | Self::AddSecret(_)
            | Self::AddApiKey(_)
            | Self::RevokeApiKey(_)
            | Self::OpenShares { .. }
            | Self::GrantShare { .. }
            | Self::RecordReturned { .. } => None,
            Self::MakeCampaign { asked, .. }
            | Self::ChangeCampaign { asked, .. }
            | Self::ChangeRules { asked, .. }
            | Self::SetStatus { asked, .. }
            | Self::Issue { asked, .. }
            | Self::LetIn { asked, .. }
            | Self::ShutOut { asked, .. }
            | Self::RecordImport { asked, .. }
            | Self::KeepImport { asked, .. }
            | Self::IssuePattern { asked, .. } => Some(*asked),
        }
    }

    /// Says up to which entry the ledger was searched for the command's request, in vain.
    pub fn set_searched(&mut self, through: u64) {
        if let Self::MakeCampaign { asked, .. }
        | Self::ChangeCampaign { asked, .. }
        | Self::ChangeRules { asked, .. }
        | Self::SetStatus { asked, .. }
        | Self::Issue { asked, .. }
        | Self::LetIn { asked, .. }
        | Self::ShutOut { asked, .. }
        | Self::RecordImport { asked, .. }
        | Self::KeepImport { asked, .. }
        | Self::IssuePattern { asked, .. } = self
            && let Some(request) = &mut asked.request
        {
            request.searched = request.searched.max(through);
        }
    }
}

impl Control {
    /// The outcome of a request that was answered before, or may have been.
    fn settled(&self, asked: Option<Asked>) -> Option<Outcome> {
        let request = asked?.request?;
        match self.recent.recall(&request) {
            Recollection::Answered(record) => Some(Outcome::Replayed(record)),
            Recollection::Reused => Some(Outcome::Refused(Refusal::IdempotencyKeyReused)),
            Recollection::Unknown => (request.searched < self.forgotten())
                .then(|| Outcome::SearchLedger { through: self.forgotten() }),
        }
    }

    /// Does what the command says; `None` when it was so already.
    fn execute(&mut self, at: Timestamp, command: Command) -> Result<Option<Event>> {
        match command {
            // Lending leaves no record, and is done by the time that this is asked.
            Command::Advance
            | Command::OpenShares { .. }
            | Command::GrantShare { .. }
            | Command::RecordReturned { .. } => Ok(None),
            Command::AddSecret(secret) => self.add_secret(secret).map(Some),
            Command::AddApiKey(key) => self.add_api_key(at, key).map(Some),
            Command::RevokeApiKey(number) => self.revoke_api_key(number),
            Command::MakeCampaign { draft, .. } => self.make_campaign(at, draft).map(Some),
            Command::ChangeCampaign { campaign, edition, changes, .. } => {
                self.change_campaign(campaign, edition, changes, None)
            }
            Command::ChangeRules { campaign, edition, changes, rules, .. } => {
                self.change_campaign(campaign, edition, changes, Some(*rules))
            }
            Command::SetStatus { campaign, status, .. } => self.set_status(campaign, status),
            Command::Issue { campaign, count, .. } => self.issue(campaign, count),
            Command::LetIn { key, .. } => self.let_in(at, key).map(Some),
            Command::ShutOut { api_key, .. } => self.shut_out(api_key),
            Command::RecordImport { campaign, import, .. } => {
                self.record_import(campaign, import).map(Some)
            }
            Command::KeepImport { campaign, import, remarks, .. } => {
                self.keep_import(campaign, import, remarks).map(Some)
            }
            Command::IssuePattern { campaign, first, span, skipped, .. } => {
                self.issue_pattern(campaign, first, span, skipped)
            }
        }
    }

    fn add_secret(&mut self, secret: Secret) -> Result<Event> {
        let name = secret.name;
        let of_purpose = self.secrets.keys().filter(|other| other.purpose == name.purpose);
        let newest = of_purpose.clone().map(|other| other.number).max().unwrap_or(0);
        let full = name.purpose == Purpose::SealingKey && of_purpose.count() >= MAX_SEALING_KEYS;
        if full || name.number <= newest {
            return Err(Refusal::SecretNotAdded);
        }
        self.secrets.insert(name, secret);
        Ok(Event::SecretAdded(name))
    }

    fn add_api_key(&mut self, at: Timestamp, key: NewApiKey) -> Result<Event> {
        if self.api_keys.values().any(|other| other.digest == key.digest) {
            return Err(Refusal::AlreadyExists);
        }
        let last = self.api_keys.last_key_value().map_or(0, |(number, _)| number.0);
        let number = ApiKeyNumber(last.checked_add(1).ok_or(Refusal::AlreadyExists)?);
        let id = ApiKeyId { at, number };
        let event = Event::ApiKeyAdded { id, role: key.role, name: key.name.clone() };
        let NewApiKey { digest, role, name } = key;
        self.api_keys.insert(number, ApiKey { id, digest, role, name, revoked: false });
        Ok(event)
    }

    fn revoke_api_key(&mut self, number: ApiKeyNumber) -> Result<Option<Event>> {
        let key = self.api_keys.get_mut(&number).ok_or(Refusal::NotFound)?;
        let was_revoked = std::mem::replace(&mut key.revoked, true);
        Ok((!was_revoked).then_some(Event::ApiKeyRevoked(key.id)))
    }

    fn let_in(&mut self, at: Timestamp, key: NewApiKey) -> Result<Event> {
        if self.api_keys.len() >= MAX_API_KEYS {
            return Err(Refusal::TooManyApiKeys);
        }
        self.add_api_key(at, key)
    }

    fn shut_out(&mut self, number: ApiKeyNumber) -> Result<Option<Event>> {
        let is_admin = |key: &&ApiKey| key.role == Role::Admin && !key.revoked;
        let mut admins = self.api_keys.values().filter(is_admin);
        if let (Some(last), None) = (admins.next(), admins.next())
            && last.id.number == number
        {
            return Err(Refusal::LastAdminKey);
        }
        self.revoke_api_key(number)
    }

    fn make_campaign(&mut self, at: Timestamp, draft: Draft) -> Result<Event> {
        let rules = rules::of_draft(draft.rules.as_deref())?;
        check_window(&draft.window)?;
        let codes = match draft.codes {
            DraftCodes::Sealed => Codes::Sealed { epoch: self.newest_sealing_key()? },
            DraftCodes::Imported => Codes::Imported,
            DraftCodes::Pattern { pattern, allow_guessable } => {
                self.pattern(pattern, allow_guessable)?
            }
        };
        let last = self.campaigns.last_key_value().map_or(0, |(number, _)| number.0);
        let number = CampaignNumber(last.checked_add(1).ok_or(Refusal::TooManyCampaigns)?);
        let campaign = Campaign {
            id: CampaignId { at, number },
            name: draft.name,
            codes,
            rules,
            revision: Revision(1),
            edition: Revision(1),
            status: Status::Active,
            window: draft.window,
            uses_per_code: draft.uses_per_code,
            issued: 0,
            rewards: BTreeMap::from([(Revision(1), draft.reward)]),
            metadata: draft.metadata,
        };
        self.campaigns.insert(number, Arc::new(campaign.clone()));
        Ok(Event::CampaignMade(Box::new(campaign)))
    }

    fn newest_sealing_key(&self) -> Result<u16> {
        self.newest_secret(Purpose::SealingKey).ok_or(Refusal::NoSealingKey)
    }

    /// The number of the newest secret for a purpose.
    pub(super) fn newest_secret(&self, purpose: Purpose) -> Option<u16> {
        let secrets = self.secrets.keys().filter(|name| name.purpose == purpose);
        secrets.map(|name| name.number).max()
    }

    fn change_campaign(
        &mut self,
        number: CampaignNumber,
        edition: Option<Revision>,
        changes: Changes,
        rules: Option<RuleChanges>,
    ) -> Result<Option<Event>> {
        let campaign = self.campaigns.get(&number).ok_or(Refusal::NotFound)?;
        if edition.is_some_and(|edition| edition != campaign.edition) {
            return Err(Refusal::EditionChanged);
        }
        if campaign.status == Status::Archived {
            return Err(Refusal::CampaignArchived);
        }
        let rules = match rules {
            Some(changes) => rules::changed(campaign, changes)?,
            None => campaign.rules.clone(),
        };
        let changed = Campaign { rules, ..changed(campaign, changes)? };
        Ok(self.replace(changed))
    }

    fn set_status(&mut self, number: CampaignNumber, status: Status) -> Result<Option<Event>> {
        let campaign = self.campaigns.get(&number).ok_or(Refusal::NotFound)?;
        if campaign.status == Status::Archived && status != Status::Archived {
            return Err(Refusal::CampaignArchived);
        }
        let changed = Campaign { status, ..Campaign::clone(campaign) };
        Ok(self.replace(changed))
    }

    /// Puts a changed campaign in the place of the former one, under the next revision; `None` when
    /// nothing is different.
    fn replace(&mut self, mut changed: Campaign) -> Option<Event> {
        let number = changed.id.number;
        if self.campaigns.get(&number).is_some_and(|former| **former == changed) {
            return None;
        }
        changed.revision = Revision(changed.revision.0.saturating_add(1));
        changed.edition = changed.revision;
        self.campaigns.insert(number, Arc::new(changed.clone()));
        self.close_shares(number);
        Some(Event::CampaignChanged(Box::new(changed)))
    }
}

/// The campaign with changes, still under its revision.
fn changed(campaign: &Campaign, changes: Changes) -> Result<Campaign> {
    let mut changed = campaign.clone();
    if let Some(name) = changes.name {
        changed.name = name;
    }
    if let Some(starts_at) = changes.starts_at {
        changed.window.starts_at = starts_at;
    }
    if let Some(expires_at) = changes.expires_at {
        changed.window.expires_at = expires_at;
    }
    if let Some(uses_per_code) = changes.uses_per_code {
        changed.uses_per_code = uses_per_code;
    }
    if let Some(reward) = changes.reward
        && reward.as_deref() != campaign.reward()
    {
        let next = Revision(campaign.revision.0.saturating_add(1));
        changed.rewards.insert(next, reward);
    }
    if let Some(metadata) = changes.metadata {
        changed.metadata = metadata;
    }
    check_window(&changed.window)?;
    if changed.rewards.len() > MAX_REWARDS {
        return Err(Refusal::TooManyRewards);
    }
    Ok(changed)
}

fn check_window(window: &Window) -> Result<()> {
    match (window.starts_at, window.expires_at) {
        (Some(start), Some(end)) if start >= end => Err(Refusal::EmptyWindow),
        _ => Ok(()),
    }
}
