//! Holds: what is asked, what a shard keeps, and the records. Stored formats, like all of
//! `command.rs`.

use serde::{Deserialize, Serialize};

use super::redemption::Spend;
use super::steps::Claim;
use crate::codes::{CampaignNumber, CodeKey};
use crate::identifier::{ApiKeyNumber, HoldId};
use crate::request::Request;
use crate::timestamp::Timestamp;

/// The most holds that one entry ends because they expired: as many as the ledger finds one record
/// by.
pub const MAX_EXPIRED: u16 = 192;

/// A wish to keep one use of a code for a user for some time. A hold that the user has on the code
/// already is prolonged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHold {
    /// The code.
    pub code: CodeKey,
    /// For whom: 1 to 128 characters.
    pub user: Box<str>,
    /// For how long, in milliseconds from the entry's stamp.
    pub ttl_ms: u64,
    /// The claim on one of the user's uses that was made for it, where the campaign limits them.
    pub claim: Option<Claim>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
    /// The request, where the client gave it an idempotency key.
    pub request: Option<Request>,
}

/// A wish to make a redemption of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// The hold.
    pub hold: HoldId,
    /// The redemption. Its code and user are the hold's; its claim is used only where the hold is
    /// not there any more.
    pub spend: Spend,
    /// What is to happen when the hold is not there any more.
    pub otherwise: Otherwise,
}

/// What is to happen when a hold is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Otherwise {
    /// The confirmation is refused.
    Refuse,
    /// The code is redeemed like any other. Only for a hold that is known to have expired.
    TakeIfFree,
}

/// A wish to give a hold up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The hold.
    pub hold: HoldId,
    /// Its code.
    pub code: CodeKey,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
}

/// A use of a code that is kept for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which hold.
    pub id: HoldId,
    /// The code.
    pub code: CodeKey,
    /// Its campaign.
    pub campaign: CampaignNumber,
    /// The user.
    pub user: Box<str>,
    /// The first moment at which it is over.
    pub expires_at: Timestamp,
    /// The claim on one of the user's uses that it keeps, where the campaign limits them.
    pub claim: Option<Claim>,
}

impl Hold {
    /// Whether it should have ended by a time.
    pub fn is_due(&self, at: Timestamp) -> bool {
        self.expires_at <= at
    }

    /// What the record of its end says.
    pub(super) fn ended(self) -> EndedHold {
        EndedHold { id: self.id, code: self.code, campaign: self.campaign, user: self.user }
    }
}

/// A hold that was placed or prolonged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldPlaced {
    /// The hold as it is since.
    pub hold: Hold,
    /// What became of the user's wish.
    pub placing: Placing,
}

/// Whether a hold is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placing {
    /// It is.
    New,
    /// The user had it already; at most its end moved.
    Prolonged,
}

/// A hold that ended without a redemption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedHold {
    /// Which hold.
    pub id: HoldId,
    /// Its code.
    pub code: CodeKey,
    /// Its campaign.
    pub campaign: CampaignNumber,
    /// Its user.
    pub user: Box<str>,
}
