//! Making campaigns, and changing them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::apply::Result;
use super::draft::{Changes, Draft, DraftCodes, RuleChanges};
use super::{Control, Event, Purpose, Refusal, rules};
use crate::campaign::{Campaign, Codes, MAX_REWARDS, Revision, Status, Window};
use crate::codes::CampaignNumber;
use crate::identifier::CampaignId;
use crate::timestamp::Timestamp;

impl Control {
    pub(super) fn make_campaign(&mut self, at: Timestamp, draft: Draft) -> Result<Event> {
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

    pub(super) fn change_campaign(
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

    pub(super) fn set_status(
        &mut self,
        number: CampaignNumber,
        status: Status,
    ) -> Result<Option<Event>> {
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
