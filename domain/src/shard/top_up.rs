//! Topping codes up: what is asked, and the record of it. Stored formats, like all of `command.rs`.

use serde::{Deserialize, Serialize};

use super::balances::Money;
use crate::codes::{CampaignNumber, CodeKey};
use crate::identifier::ApiKeyNumber;
use crate::request::Request;

/// A wish to make a code worth more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// The code, of a campaign with a balance.
    pub code: CodeKey,
    /// By how much, in minor units, at least 1.
    pub amount: u64,
    /// Why, for those who look later.
    pub reason: Box<str>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
    /// The request, where the client gave it an idempotency key.
    pub request: Option<Request>,
}

/// A code that was made worth more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToppedUp {
    /// The code.
    pub code: CodeKey,
    /// Its campaign.
    pub campaign: CampaignNumber,
    /// By how much, and what it was worth afterwards.
    pub money: Money,
    /// Why.
    pub reason: Box<str>,
}
