//! Bringing the control sequence back from its records, and from the little that they withhold.
//!
//! A record of a campaign carries the campaign as it became. That of a secret or an API key names
//! it, and no more: records are read by many. What is withheld is kept beside them ([`Withheld`]).
//! What is lent of campaigns' totals has no records and does not come back: the shards begin new
//! books, and what they do not use is lent anew.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ApiKey, Control, Event, Record, Secret};
use crate::campaign::{Campaign, History, Revision};
use crate::identifier::ApiKeyId;
use crate::machine::Machine as _;

/// What a record names and does not carry. Useless to whoever has not the server's own secret, or
/// the API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Withheld {
    /// The secret that was added, enciphered.
    Secret(Secret),
    /// SHA-256 of the text of the API key that was let in.
    ApiKey([u8; 32]),
}

/// Why a record cannot have happened after those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Its number or its time lies before that of another one.
    #[error("it lies before the record that it follows")]
    OutOfOrder,
    /// What it withholds was not kept, or is another's.
    #[error("the secret or API key that it is about was not kept with it")]
    NothingKept,
    /// It is about something that was never made, or not yet, or otherwise.
    #[error("it cannot have happened: what it is about was not there, or was another")]
    NotRepeated,
}

/// The control sequence on its way back.
#[derive(Debug, Default)]
pub struct Rebuilder {
    control: Control,
    history: History,
}

impl Control {
    /// What a record withholds, if anything. The state may be later than the record: secrets and
    /// API keys stay as they came.
    pub fn withheld(&self, event: &Event) -> Option<Withheld> {
        match event {
            Event::SecretAdded(name) => {
                self.secrets.get(name).map(|secret| Withheld::Secret(secret.clone()))
            }
            Event::ApiKeyAdded { id, .. } => {
                self.api_key(id.number).map(|key| Withheld::ApiKey(key.digest))
            }
            _ => None,
        }
    }
}

impl Event {
    /// Whether the record withholds something.
    pub fn withholds(&self) -> bool {
        matches!(self, Self::SecretAdded(_) | Self::ApiKeyAdded { .. })
    }
}

impl Rebuilder {
    /// Nothing has come back yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next record, with what was kept of what it withholds.
    ///
    /// # Errors
    /// See [`Mismatch`]; nothing sensible can be done with what has come back then.
    pub fn take(&mut self, record: &Record, withheld: Option<Withheld>) -> Result<(), Mismatch> {
        let control = &mut self.control;
        if record.number <= control.last() || record.at < control.time() {
            return Err(Mismatch::OutOfOrder);
        }
        control.progress.come_to(record.number, record.at);
        match (&record.event, withheld) {
            (Event::SecretAdded(name), Some(Withheld::Secret(secret))) if secret.name == *name => {
                is_new(control.secrets.insert(*name, secret))
            }
            (Event::ApiKeyAdded { id, role, name }, Some(Withheld::ApiKey(digest))) => {
                let (id, role, name) = (*id, *role, name.clone());
                let key = ApiKey { id, digest, role, name, revoked: false };
                is_new(control.api_keys.insert(id.number, key))
            }
            (Event::SecretAdded(_) | Event::ApiKeyAdded { .. }, _) => Err(Mismatch::NothingKept),
            (Event::ApiKeyRevoked(id), _) => revoke(control, *id),
            (Event::Imported { campaign, .. } | Event::ImportKept { campaign, .. }, _) => {
                control.campaign(*campaign).map(drop).ok_or(Mismatch::NotRepeated)
            }
            (
                Event::CampaignMade(campaign)
                | Event::CampaignChanged(campaign)
                | Event::Issued { campaign, .. }
                | Event::PatternIssued { campaign, .. },
                _,
            ) => {
                self.history.add(campaign);
                become_another(control, campaign)
            }
        }
    }

    /// Ends with the state at its last entry, and with all that shards were to be told.
    pub fn finish(self, through: u64) -> (Control, History) {
        let Self { mut control, history } = self;
        let (last, time) = (through.max(control.last()), control.time());
        control.progress.come_to(last, time);
        (control, history)
    }
}

fn is_new<T>(former: Option<T>) -> Result<(), Mismatch> {
    if former.is_none() { Ok(()) } else { Err(Mismatch::NotRepeated) }
}

fn revoke(control: &mut Control, id: ApiKeyId) -> Result<(), Mismatch> {
    let key = control.api_keys.get_mut(&id.number).filter(|key| key.id == id && !key.revoked);
    key.ok_or(Mismatch::NotRepeated)?.revoked = true;
    Ok(())
}

fn become_another(control: &mut Control, campaign: &Campaign) -> Result<(), Mismatch> {
    let number = campaign.id.number;
    let former = control.campaigns.insert(number, Arc::new(campaign.clone()));
    let before = former.map_or(0, |former| former.revision.0);
    let follows = campaign.revision == Revision(before.saturating_add(1));
    if follows { Ok(()) } else { Err(Mismatch::NotRepeated) }
}
