//! Revoking and restoring codes: what is asked, and the record of it. Stored formats, like all of
//! `command.rs`.

use serde::{Deserialize, Serialize};

use crate::codes::{CampaignNumber, CodeKey};
use crate::identifier::ApiKeyNumber;
use crate::request::Request;

/// A wish to revoke or restore a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The code.
    pub code: CodeKey,
    /// Why, for those who look later.
    pub reason: Box<str>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
    /// The request, where the client gave it an idempotency key.
    pub request: Option<Request>,
}

/// A code that was revoked or restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The code.
    pub code: CodeKey,
    /// Its campaign.
    pub campaign: CampaignNumber,
    /// Why.
    pub reason: Box<str>,
}
