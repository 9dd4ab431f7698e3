//! Bringing listed codes in: what is asked. A stored format, like all of `command.rs`.

use serde::{Deserialize, Serialize};

use crate::codes::{CampaignNumber, Digest};
use crate::identifier::ApiKeyNumber;

/// The most listed codes that one command may bring, so that an entry stays small.
pub const MAX_DIGESTS: usize = 4096;

/// Listed codes for a campaign. A code that exists already, in whichever campaign, stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The campaign.
    pub campaign: CampaignNumber,
    /// The codes, at most [`MAX_DIGESTS`], all of them in the shard's slots.
    pub digests: Vec<Digest>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
}
