//! What must come of each wish about campaigns, secrets and API keys.

use std::collections::BTreeMap;

use redeemd_domain::campaign::{Campaign, Codes, Revision, Status};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{Command, DraftCodes, Event, NewApiKey, Purpose, Refusal, Role};
use redeemd_domain::identifier::{ApiKeyId, ApiKeyNumber, CampaignId};

use super::campaign_changes::{changed, changed_event, check};
use super::control_model::ControlModel;
use super::modelled::Stamp;
use super::rules_model;

impl ControlModel {
    pub(super) fn execute(
        &self,
        command: &Command,
        stamp: Stamp,
    ) -> Result<Option<Event>, Refusal> {
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
