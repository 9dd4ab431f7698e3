//! Why the service could not give what it was asked for, as the interface has to know it.

use redeemd_actors::core::{ReadOnly, Rejection};
use redeemd_domain::campaign::{Campaign, Codes};
use redeemd_domain::control;
use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::refusal::Refusal;

/// Why there is no good answer. Carries no code and no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A code was refused.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The control sequence refused a change.
    #[error("refused: {0:?}")]
    ControlRefused(control::Refusal),
    /// A pattern has too few possible codes for what was asked.
    #[error("the pattern has too few possible codes")]
    PatternTooSmall(PatternRoom),
    /// There is no such thing.
    #[error("there is no such {}", .0.name())]
    NotFound(Resource),
    /// There is more to do than fits; nothing was done.
    #[error("there is more to do than fits")]
    Overloaded,
    /// A part of the server is being rebuilt, or the server is ending; nothing was done.
    #[error("a part of the server is being rebuilt")]
    Unavailable,
    /// Nothing can be changed at present; nothing was done.
    #[error("nothing can be changed at present: {0:?}")]
    ReadOnly(ReadOnly),
    /// It was done, and not every shard knows it yet.
    #[error("the change is made, and not every shard knows it yet")]
    StillSpreading,
    /// It may have been done or not.
    #[error("whether it was done is not known")]
    OutcomeUnknown(Option<RedemptionId>),
    /// Something that should not happen; the words are for the log.
    #[error("{0}")]
    Internal(String),
}

/// What can be asked for by its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A campaign.
    Campaign,
    /// A redemption.
    Redemption,
    /// A hold.
    Hold,
    /// An API key.
    ApiKey,
}

impl Resource {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Redemption => "redemption",
            Self::Hold => "hold",
            Self::ApiKey => "API key",
        }
    }
}

/// How much room the pattern of a campaign has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternRoom {
    /// How many codes it could have.
    pub possible: u128,
    /// How many of them may be issued in all.
    pub most: u64,
    /// How many are issued.
    pub issued: u64,
    /// How many more may be issued.
    pub left: u64,
}

impl PatternRoom {
    /// The room of a campaign as it is; there is none where it has no pattern.
    pub(super) fn of(campaign: &Campaign) -> Self {
        let possible = match &campaign.codes {
            Codes::Pattern { pattern, .. } => pattern.possible(),
            Codes::Sealed { .. } | Codes::Imported => 0,
        };
        let (most, issued) = (campaign.codes.most(), campaign.issued_from(0));
        Self { possible, most, issued, left: most.saturating_sub(issued) }
    }
}

impl Error {
    /// An error that should not happen.
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::Internal(reason.into())
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Overloaded => Self::Overloaded,
            Rejection::ReadOnly(reason) => Self::ReadOnly(reason),
            Rejection::Unavailable => Self::Unavailable,
        }
    }
}
