//! What a command is told that leaves no record: a step of something larger.

use super::attempts::Fate;
use super::shares::Share;
use super::steps::Claim;
use super::users::UserDigest;
use crate::codes::CampaignNumber;

/// A step's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// The campaign limits its users: a claim on one of the user's uses must be made first, and
    /// then the command be sent again with it. Nothing changed.
    ClaimFirst {
        /// The campaign.
        campaign: CampaignNumber,
        /// The user, in whose slot the claim is made.
        user: UserDigest,
    },
    /// The campaign's total is limited, and this shard has no use left of what was lent to it.
    /// Nothing changed, and a claim that came with the command is still good.
    ShareFirst {
        /// The campaign.
        campaign: CampaignNumber,
    },
    /// The claim that came with the command was settled or returned meanwhile. Nothing changed.
    ClaimVoid,
    /// The claim was made.
    Claimed(Claim),
    /// The user would be within the limit if one of the claims that are pending came to nothing.
    /// Nothing changed.
    ClaimsPending,
    /// There are as many pending claims as there may be. Nothing changed.
    ClaimsFull,
    /// The campaign does not limit its users, as far as this shard knows. Nothing changed.
    NoUserLimit,
    /// What became of an attempt to redeem; it is certain from now on.
    Attempted(Fate),
    /// The shard's share of a total as it is now.
    Share(Box<Share>),
    /// The shard knows no such total, or another one by now. Nothing changed.
    NoShare,
}
