//! What can happen in the control sequence. A stored format: a variant's place and its fields never
//! change. A changed meaning is a new variant at the end.

use serde::{Deserialize, Serialize};

use super::api_key::Role;
use super::import::{Import, Remarks};
use super::secrets::SecretName;
use crate::campaign::Campaign;
use crate::codes::CampaignNumber;
use crate::identifier::ApiKeyId;

/// Something that happened in the control sequence. API key 0 is the server itself.
pub type Record = crate::record::Record<Event>;

/// What can happen in the control sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A secret was added.
    SecretAdded(SecretName),
    /// An API key was let in.
    ApiKeyAdded {
        /// Its identifier.
        id: ApiKeyId,
        /// What it may do.
        role: Role,
        /// What people call it.
        name: Box<str>,
    },
    /// An API key was shut out.
    ApiKeyRevoked(ApiKeyId),
    /// A campaign was made, and this is it.
    CampaignMade(Box<Campaign>),
    /// A campaign was changed, and this is how it became.
    CampaignChanged(Box<Campaign>),
    /// Serials were issued.
    Issued {
        /// The campaign as it became.
        campaign: Box<Campaign>,
        /// The first of them.
        first: u64,
        /// How many.
        count: u64,
    },
    /// Codes were brought in.
    Imported {
        /// The campaign.
        campaign: CampaignNumber,
        /// What came of it.
        import: Import,
    },
    /// Indices of a pattern were issued.
    PatternIssued {
        /// The campaign as it became; it knows which of the indices were skipped.
        campaign: Box<Campaign>,
        /// The first of them.
        first: u64,
        /// How many.
        span: u64,
    },
    /// Codes were brought in, and something may have stood out among them.
    ImportKept {
        /// The campaign.
        campaign: CampaignNumber,
        /// What came of it.
        import: Import,
        /// What stood out.
        remarks: Remarks,
    },
}

impl Record {
    /// The campaign that this changed, as it became.
    pub fn campaign(&self) -> Option<&Campaign> {
        match &self.event {
            Event::CampaignMade(campaign)
            | Event::CampaignChanged(campaign)
            | Event::Issued { campaign, .. }
            | Event::PatternIssued { campaign, .. } => Some(campaign),
            Event::SecretAdded(_)
            | Event::ApiKeyAdded { .. }
            | Event::ApiKeyRevoked(_)
            | Event::Imported { .. }
            | Event::ImportKept { .. } => None,
        }
    }
}
