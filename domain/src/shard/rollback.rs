//! Rolling redemptions back: what is asked, and the record of it. Stored formats, like all of
//! `command.rs`.

use serde::{Deserialize, Serialize};

use super::balances::Money;
use super::steps::Claim;
use crate::codes::{CampaignNumber, CodeKey};
use crate::identifier::{ApiKeyNumber, RedemptionId};
use crate::request::Request;

/// A wish to roll a redemption back, with everything that the shard must know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollBack {
    /// The redemption.
    pub redemption: RedemptionId,
    /// Its code.
    pub code: CodeKey,
    /// Its user.
    pub user: Box<str>,
    /// How often the code had been made usable again before it.
    pub generation: u32,
    /// The claim that it used up, if any.
    pub claim: Option<Claim>,
    /// What it spent of the code's balance, in minor units, where the code had one.
    pub spent: Option<u64>,
    /// How much of that to give back, in minor units, at least 1; `None` is all that was not given
    /// back yet, and the use.
    pub amount: Option<u64>,
    /// How long ago the redemption may be, in milliseconds, by the stamps of this shard.
    pub max_age_ms: u64,
    /// Why, for those who look later.
    pub reason: Box<str>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
    /// The request, where the client gave it an idempotency key.
    pub request: Option<Request>,
}

/// A redemption that was rolled back, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// The redemption.
    pub redemption: RedemptionId,
    /// Its code.
    pub code: CodeKey,
    /// Its campaign.
    pub campaign: CampaignNumber,
    /// Its user.
    pub user: Box<str>,
    /// How much of it.
    pub extent: Extent,
    /// What came back to the code's balance, where it has one.
    pub money: Option<Money>,
    /// How often the code was made usable again by then, this time included.
    pub generation: u32,
    /// Why.
    pub reason: Box<str>,
}

/// How much of a redemption was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extent {
    /// The use, and all money that had not come back before.
    Whole,
    /// Only money; the use stays.
    Part {
        /// How much of the redemption's money came back so far, in minor units.
        returned: u64,
    },
}
