//! Refusals: a redemption that is not granted is an outcome like any other, not an error.

use serde::{Deserialize, Serialize};

/// Why a command on a code was refused.
///
/// Declared in the order of precedence: where several hold, the first is given. The refusals of
/// holds and of limits that span codes will stand between [`Refusal::AlreadyRedeemed`] and the
/// end, as `api.md`'s order has them. Refusals are in no stored format, so that their order may
/// grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The same idempotency key was used about the same code with another body.
    ///
    /// It precedes everything, as the replay does whose place it takes.
    IdempotencyKeyReused,
    /// No such code was ever issued: mistyped, forged or unknown.
    InvalidCode,
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
}

impl Refusal {
    /// All of them, in the order of precedence.
    pub const ALL: [Self; 8] = [
        Self::IdempotencyKeyReused,
        Self::InvalidCode,
        Self::Revoked,
        Self::NotYetValid,
        Self::Expired,
        Self::CampaignArchived,
        Self::CampaignPaused,
        Self::AlreadyRedeemed,
    ];
}
