//! Refusals: a redemption that is not granted is an outcome like any other, not an error.

use serde::{Deserialize, Serialize};

/// Why a command on a code was refused.
///
/// Declared in the order of precedence: where several hold, the first is given. Refusals are in no
/// stored format, so that their order may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The same idempotency key was used about the same code with another body.
    ///
    /// It precedes everything, as the replay does whose place it takes.
    IdempotencyKeyReused,
    /// No such code was ever issued: mistyped, forged or unknown.
    InvalidCode,
    /// An amount was named where there is no balance to take it from, or it is zero.
    AmountNotTaken,
    /// The redemption was rolled back before.
    AlreadyRolledBack,
    /// The redemption is longer ago than may be rolled back.
    RollbackTooLate,
    /// The hold was confirmed or released, or expired.
    HoldEnded,
    /// The code was revoked.
    Revoked,
    /// The campaign's window has not begun.
    NotYetValid,
    /// The campaign's window is over.
    Expired,
    /// The campaign was archived.
    CampaignArchived,
    /// The campaign is paused.
    CampaignPaused,
    /// The code has been redeemed as often as its campaign allows.
    AlreadyRedeemed,
    /// The uses that are left are held for other users.
    CodeHeld,
    /// The user has redeemed codes of the campaign as often as it allows.
    UserLimitReached,
    /// The campaign's codes have been redeemed as often as it allows altogether.
    CampaignLimitReached,
    /// The code has less left than is asked for, or nothing.
    InsufficientBalance,
    /// The code would be worth more than any code may be.
    AmountTooLarge,
}

impl Refusal {
    /// All of them, in the order of precedence.
    pub const ALL: [Self; 17] = [
        Self::IdempotencyKeyReused,
        Self::InvalidCode,
        Self::AmountNotTaken,
        Self::AlreadyRolledBack,
        Self::RollbackTooLate,
        Self::HoldEnded,
        Self::Revoked,
        Self::NotYetValid,
        Self::Expired,
        Self::CampaignArchived,
        Self::CampaignPaused,
        Self::AlreadyRedeemed,
        Self::CodeHeld,
        Self::UserLimitReached,
        Self::CampaignLimitReached,
        Self::InsufficientBalance,
        Self::AmountTooLarge,
    ];
}
