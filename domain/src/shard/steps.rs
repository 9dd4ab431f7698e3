//! The steps of limits that span codes, as commands. Stored formats, like all of `command.rs`.

use serde::{Deserialize, Serialize};

use super::owed::OwedUse;
use super::users::UserDigest;
use crate::codes::{CampaignNumber, CodeKey};
use crate::rules::Period;

/// Names a claim on one of a user's uses of a campaign, and with it the one attempt to redeem that
/// it was made for. The user's slot is in one shard, the code's mostly in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The shard that counts the user's uses.
    pub shard: u16,
    /// The number of the entry there that made the claim.
    pub number: u64,
    /// Every claim of that shard with a lower number is settled or was returned, as that shard knew
    /// when it made this one.
    pub resolved_below: u64,
    /// The period in which the use counts.
    pub period: Period,
}

/// A wish for a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimUse {
    /// The campaign that limits its users.
    pub campaign: CampaignNumber,
    /// The user, whose slot is in this shard.
    pub user: UserDigest,
    /// The code that is to be redeemed.
    pub code: CodeKey,
}

/// Claims of which it is known what became of them, by the numbers of the entries that made them.
/// Those that are not pending stay as they are, so the message may come twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// Their codes were redeemed.
    pub settled: Vec<u64>,
    /// They were not, and with these claims they never will be.
    pub returned: Vec<u64>,
}

/// Asks what became of an attempt, and keeps one that has not come from ever coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forbid {
    /// The shard that made the claim.
    pub shard: u16,
    /// The number of the entry there that made it.
    pub number: u64,
    /// The code that it was made for, which is in this shard.
    pub code: CodeKey,
}

/// Uses of a shard's users that another shard owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveBack {
    /// The shard that owes them.
    pub shard: u16,
    /// Every use that it owed to this shard's users under a lower number is delivered.
    pub none_below: u64,
    /// The uses, at most [`MAX_GIVEN_BACK`](super::MAX_GIVEN_BACK).
    pub uses: Vec<OwedUse>,
}
