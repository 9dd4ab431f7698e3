//! The control sequence: what is not a code. Campaign numbers and rules, ranges of serials,
//! secrets, API keys.
//!
//! Like a shard it is a value that changes in `apply` and nowhere else. Shards learn of campaigns
//! from it: [`Control::missing_in`] says what one still has to be told.

mod apply;
mod command;
mod draft;
mod encoding;
mod import;
mod issue;
mod refusal;
mod rules;
mod secrets;
mod shares;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use command::{Asked, Command, Event, NewApiKey, Record, Role};
pub use draft::{Changes, Draft, DraftCodes, RuleChanges};
pub use encoding::{Decoder, FORMAT_VERSION};
pub use import::{
    Import, MAX_REJECTED_ROWS, MAX_REMARKED_LINES, RejectedRow, Remarks, RowFault,
    SHORT_CODE_CHARACTERS,
};
pub use refusal::Refusal;
pub use secrets::{MAX_SEALING_KEYS, Purpose, Secret, SecretName};
pub use shares::{Acknowledgement, Shares};

use crate::campaign::{Campaign, Terms};
use crate::codes::CampaignNumber;
use crate::identifier::{ApiKeyId, ApiKeyNumber};
use crate::recent::Recent;
use crate::request::RequestDigest;
use crate::shard::Shard;
use crate::timestamp::Timestamp;

/// The most API keys, revoked ones included: they stay, so that every record's asker has a name.
pub const MAX_API_KEYS: usize = 10_000;

/// What came of a command of the control sequence.
pub type Outcome = crate::machine::Outcome<Control>;

/// The state of the control sequence.
#[derive(Clone, Debug, Default)]
pub struct Control {
    last: u64,
    time: Timestamp,
    campaigns: BTreeMap<CampaignNumber, Arc<Campaign>>,
    secrets: BTreeMap<SecretName, Secret>,
    api_keys: BTreeMap<ApiKeyNumber, ApiKey>,
    shares: shares::AllShares,
    recent: Recent<Record>,
}

/// An API key as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// What people call it.
    pub name: Box<str>,
    /// Whether it is shut out.
    pub revoked: bool,
}

impl Control {
    /// The state before the first entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// A campaign.
    pub fn campaign(&self, number: CampaignNumber) -> Option<&Arc<Campaign>> {
        self.campaigns.get(&number)
    }

    /// All campaigns, in the order in which they were made.
    pub fn campaigns(&self) -> impl DoubleEndedIterator<Item = &Arc<Campaign>> {
        self.campaigns.values()
    }

    /// The secrets, still enciphered.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.values()
    }

    /// An API key, revoked or not.
    pub fn api_key(&self, number: ApiKeyNumber) -> Option<&ApiKey> {
        self.api_keys.get(&number)
    }

    /// All API keys, revoked ones included, in the order in which they were let in.
    pub fn api_keys(&self) -> impl DoubleEndedIterator<Item = &ApiKey> {
        self.api_keys.values()
    }

    /// The record that answers a request, if it is remembered here. One that is forgotten is in the
    /// ledger.
    pub fn answer_to(&self, request: &RequestDigest) -> Option<&Arc<Record>> {
        self.recent.find(request)
    }

    /// What a shard has to be told, because it knows a campaign not at all or at a lower revision.
    pub fn missing_in<'a>(&'a self, shard: &'a Shard) -> impl Iterator<Item = Terms> + 'a {
        self.campaigns.values().filter_map(|campaign| {
            let known = shard.campaign(campaign.id.number).map(|known| known.view.revision);
            known.is_none_or(|known| known < campaign.revision).then(|| campaign.terms())
        })
    }
}
