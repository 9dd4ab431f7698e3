//! Redeeming codes: what is asked, and the record of it. Stored formats, like all of `command.rs`.

use serde::{Deserialize, Serialize};

use super::balances::Money;
use super::steps::Claim;
use crate::campaign::Revision;
use crate::codes::{CampaignNumber, CodeKey};
use crate::identifier::ApiKeyNumber;
use crate::request::Request;

/// A wish to redeem a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeem {
    /// The code.
    pub code: CodeKey,
    /// Who redeems it: 1 to 128 characters, as the client names its user.
    pub user: Box<str>,
    /// A JSON object that the client wants to find again, as compact text.
    pub metadata: Option<Box<str>>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
    /// The request, where the client gave it an idempotency key.
    pub request: Option<Request>,
}

/// A wish to redeem a code of a campaign with rules: the plain wish, and what such a campaign asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// The plain wish.
    pub redeem: Redeem,
    /// The claim on one of the user's uses that was made for it, where the campaign limits them.
    pub claim: Option<Claim>,
    /// How much of the code's balance to spend, in minor units, at least 1; `None` is all of it.
    pub amount: Option<u64>,
}

impl Spend {
    /// A plain wish.
    pub fn plain(redeem: Redeem) -> Self {
        Self { redeem, claim: None, amount: None }
    }
}

/// One successful use of a code by a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// The code.
    pub code: CodeKey,
    /// Its campaign.
    pub campaign: CampaignNumber,
    /// The campaign's revision under which it was redeemed; it tells the reward.
    pub revision: Revision,
    /// How often the code had been made usable again before.
    pub generation: u32,
    /// How often it can still be redeemed; `None` is without a limit.
    pub uses_left: Option<u32>,
    /// Who redeemed it.
    pub user: Box<str>,
    /// What the client wanted to find again, as compact JSON.
    pub metadata: Option<Box<str>>,
}

/// A redemption under rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// What every redemption is.
    pub redemption: Redemption,
    /// The claim that it used up, where the campaign limited each user.
    pub claim: Option<Claim>,
    /// What was spent of the code's balance, where it has one.
    pub money: Option<Money>,
    /// The number of the entry that placed the hold which this redemption ended, if any.
    pub hold: Option<u64>,
}
