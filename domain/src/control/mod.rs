//! The control sequence: what is not a code. Campaign numbers and rules, ranges of serials,
//! secrets, API keys.
//!
//! Like a shard it is a value that changes in `apply` and nowhere else. Shards learn of campaigns
//! from it: [`Control::missing_in`] says what one still has to be told.

mod api_key;
mod apply;
mod campaigns;
mod command;
mod draft;
mod encoding;
mod import;
mod issue;
mod rebuilding;
mod record;
mod refusal;
mod rules;
mod secrets;
mod shares;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use api_key::{ApiKey, MAX_API_KEYS, NewApiKey, Role};
pub use command::{Asked, Command};
pub use draft::{Changes, Draft, DraftCodes, RuleChanges};
pub use encoding::{Decoder, FORMAT_VERSION};
pub use import::{
    Import, MAX_REJECTED_ROWS, MAX_REMARKED_LINES, RejectedRow, Remarks, RowFault,
    SHORT_CODE_CHARACTERS,
};
pub use rebuilding::{Mismatch, Rebuilder, Withheld};
pub use record::{Event, Record};
pub use refusal::Refusal;
pub use secrets::{MAX_SEALING_KEYS, Purpose, Secret, SecretName};
pub use shares::{Acknowledgement, Shares};

use crate::campaign::{Campaign, Terms};
use crate::codes::CampaignNumber;
use crate::identifier::ApiKeyNumber;
use crate::progress::Progress;
use crate::request::RequestDigest;
use crate::shard::Shard;

/// What came of a command of the control sequence.
pub type Outcome = crate::machine::Outcome<Control>;

/// The state of the control sequence.
#[derive(Clone, Debug, Default)]
pub struct Control {
    progress: Progress<Record>,
    campaigns: BTreeMap<CampaignNumber, Arc<Campaign>>,
    secrets: BTreeMap<SecretName, Secret>,
    api_keys: BTreeMap<ApiKeyNumber, ApiKey>,
    shares: shares::AllShares,
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
        self.progress.recent().find(request)
    }

    /// What a shard has to be told, because it knows a campaign not at all or at a lower revision.
    pub fn missing_in<'a>(&'a self, shard: &'a Shard) -> impl Iterator<Item = Terms> + 'a {
        self.campaigns.values().filter_map(|campaign| {
            let known = shard.campaign(campaign.id.number).map(|known| known.view.revision);
            known.is_none_or(|known| known < campaign.revision).then(|| campaign.terms())
        })
    }
}
