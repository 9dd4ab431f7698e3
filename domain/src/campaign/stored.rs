//! How a campaign is stored. The first version knew no [`Rules`], and what it wrote must still read:
//! so a campaign that has some stores them as one more kind of codes, around the kind that it has.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Campaign, Codes, Revision, Status, Window};
use crate::codes::Pattern;
use crate::identifier::CampaignId;
use crate::rules::Rules;

/// A campaign as the bytes have it.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredCampaign {
    id: CampaignId,
    name: Box<str>,
    codes: StoredCodes,
    revision: Revision,
    edition: Revision,
    status: Status,
    window: Window,
    uses_per_code: Option<u32>,
    issued: u64,
    rewards: BTreeMap<Revision, Option<Box<str>>>,
    metadata: Option<Box<str>>,
}

/// [`Codes`], and the rules where there are some. The variants' places are stored.
#[derive(Serialize, Deserialize)]
enum StoredCodes {
    Sealed { epoch: u16 },
    Imported,
    Pattern { pattern: Pattern, key: u16, pepper: u16, allow_guessable: bool, skipped: Vec<u64> },
    Ruled { rules: Arc<Rules>, codes: Codes },
}

impl StoredCodes {
    fn new(codes: Codes, rules: Option<Arc<Rules>>) -> Self {
        match (codes, rules) {
            (codes, Some(rules)) => Self::Ruled { rules, codes },
            (Codes::Sealed { epoch }, None) => Self::Sealed { epoch },
            (Codes::Imported, None) => Self::Imported,
            (Codes::Pattern { pattern, key, pepper, allow_guessable, skipped }, None) => {
                Self::Pattern { pattern, key, pepper, allow_guessable, skipped }
            }
        }
    }

    fn parts(self) -> (Codes, Option<Arc<Rules>>) {
        match self {
            Self::Sealed { epoch } => (Codes::Sealed { epoch }, None),
            Self::Imported => (Codes::Imported, None),
            Self::Pattern { pattern, key, pepper, allow_guessable, skipped } => {
                (Codes::Pattern { pattern, key, pepper, allow_guessable, skipped }, None)
            }
            Self::Ruled { rules, codes } => (codes, Some(rules)),
        }
    }
}

impl From<Campaign> for StoredCampaign {
    fn from(campaign: Campaign) -> Self {
        let Campaign { id, name, codes, rules, revision, edition, .. } = campaign;
        Self {
            id,
            name,
            codes: StoredCodes::new(codes, rules),
            revision,
            edition,
            status: campaign.status,
            window: campaign.window,
            uses_per_code: campaign.uses_per_code,
            issued: campaign.issued,
            rewards: campaign.rewards,
            metadata: campaign.metadata,
        }
    }
}

impl From<StoredCampaign> for Campaign {
    fn from(stored: StoredCampaign) -> Self {
        let StoredCampaign { id, name, codes, revision, edition, .. } = stored;
        let (codes, rules) = codes.parts();
        Self {
            id,
            name,
            codes,
            rules,
            revision,
            edition,
            status: stored.status,
            window: stored.window,
            uses_per_code: stored.uses_per_code,
            issued: stored.issued,
            rewards: stored.rewards,
            metadata: stored.metadata,
        }
    }
}
