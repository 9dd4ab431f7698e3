//! The names of everything that can go wrong, and the only place that knows which status codes they
//! have.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};

/// What went wrong, as programs test it. The names are part of the interface's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something about the request's content is not accepted.
    ValidationFailed,
    /// The body is not JSON.
    MalformedJson,
    /// There is no key, or none that is let in.
    Unauthenticated,
    /// The key's role does not include this.
    Forbidden,
    /// There is no such code; mistyped, forged and unknown alike.
    InvalidCode,
    /// There is no such thing.
    NotFound,
    /// The thing is there, but does not do this.
    MethodNotAllowed,
    /// It cannot be had in a form that the client accepts.
    NotAcceptable,
    /// The client took too long.
    RequestTimeout,
    /// The body is in a form that is not read.
    UnsupportedMediaType,
    /// Something that should not happen.
    Internal,
    /// The code was redeemed as often as it may be.
    AlreadyRedeemed,
    /// The campaign is paused.
    CampaignPaused,
    /// The campaign is archived.
    CampaignArchived,
    /// What is left of the code is held for others.
    CodeHeld,
    /// The user has redeemed as often as the campaign allows.
    UserLimitReached,
    /// The campaign's codes were redeemed as often as it allows altogether.
    CampaignLimitReached,
    /// There is less left than is asked for.
    InsufficientBalance,
    /// The redemption was rolled back before.
    AlreadyRolledBack,
    /// The redemption is too long ago.
    RollbackTooLate,
    /// The hold is over.
    HoldEnded,
    /// Something exists already.
    AlreadyExists,
    /// The campaign's window is over.
    Expired,
    /// The code was revoked.
    Revoked,
    /// It was changed since the client read it.
    PreconditionFailed,
    /// The body is too large.
    BodyTooLarge,
    /// The campaign has not begun, or is closed at this hour.
    NotYetValid,
    /// The key was used with another body.
    IdempotencyKeyReused,
    /// The pattern has too few possible codes.
    PatternTooSmall,
    /// The client asked too often.
    RateLimited,
    /// There is more to do than fits.
    Overloaded,
    /// Nothing can be changed at present.
    ReadOnly,
    /// Whether it was done is not known.
    OutcomeUnknown,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 33] = [
        Self::ValidationFailed,
        Self::MalformedJson,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::InvalidCode,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::UnsupportedMediaType,
        Self::Internal,
        Self::AlreadyRedeemed,
        Self::CampaignPaused,
        Self::CampaignArchived,
        Self::CodeHeld,
        Self::UserLimitReached,
        Self::CampaignLimitReached,
        Self::InsufficientBalance,
        Self::AlreadyRolledBack,
        Self::RollbackTooLate,
        Self::HoldEnded,
        Self::AlreadyExists,
        Self::Expired,
        Self::Revoked,
        Self::PreconditionFailed,
        Self::BodyTooLarge,
        Self::NotYetValid,
        Self::IdempotencyKeyReused,
        Self::PatternTooSmall,
        Self::RateLimited,
        Self::Overloaded,
        Self::ReadOnly,
        Self::OutcomeUnknown,
    ];

    /// Status, name, title.
    pub(super) const fn row(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::ValidationFailed => {
                (S::BAD_REQUEST, "validation_failed", "The request is not valid.")
            }
            Self::MalformedJson => (S::BAD_REQUEST, "malformed_json", "The body is not JSON."),
            Self::Unauthenticated => {
                (S::UNAUTHORIZED, "unauthenticated", "A valid API key is needed.")
            }
            Self::Forbidden => (S::FORBIDDEN, "forbidden", "The API key may not do this."),
            Self::InvalidCode => (S::NOT_FOUND, "invalid_code", "There is no such code."),
            Self::NotFound => (S::NOT_FOUND, "not_found", "There is no such resource."),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "The resource does not have this method.",
            ),
            Self::NotAcceptable => (
                S::NOT_ACCEPTABLE,
                "not_acceptable",
                "There is no answer in a form that is accepted.",
            ),
            Self::RequestTimeout => {
                (S::REQUEST_TIMEOUT, "request_timeout", "The request took too long to arrive.")
            }
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body is in a form that is not read.",
            ),
            Self::Internal => {
                (S::INTERNAL_SERVER_ERROR, "internal", "The server met an error of its own.")
            }
            Self::AlreadyRedeemed => {
                (S::CONFLICT, "already_redeemed", "The code has been redeemed.")
            }
            Self::CampaignPaused => (S::CONFLICT, "campaign_paused", "The campaign is paused."),
            Self::CampaignArchived => {
                (S::CONFLICT, "campaign_archived", "The campaign is archived.")
            }
            Self::CodeHeld => (S::CONFLICT, "code_held", "The code is held for somebody else."),
            Self::UserLimitReached => {
                (S::CONFLICT, "user_limit_reached", "The user has redeemed as often as allowed.")
            }
            Self::CampaignLimitReached => {
                (S::CONFLICT, "campaign_limit_reached", "The campaign has no uses left.")
            }
            Self::InsufficientBalance => {
                (S::CONFLICT, "insufficient_balance", "There is not enough left.")
            }
            Self::AlreadyRolledBack => {
                (S::CONFLICT, "already_rolled_back", "The redemption was rolled back before.")
            }
            Self::RollbackTooLate => {
                (S::CONFLICT, "rollback_too_late", "The redemption is too long ago.")
            }
            Self::HoldEnded => (S::CONFLICT, "hold_ended", "The hold has ended."),
            Self::AlreadyExists => (S::CONFLICT, "already_exists", "It exists already."),
            Self::Expired => (S::GONE, "expired", "The campaign is over."),
            Self::Revoked => (S::GONE, "revoked", "The code was revoked."),
            Self::PreconditionFailed => (
                S::PRECONDITION_FAILED,
                "precondition_failed",
                "The resource was changed since it was read.",
            ),
            Self::BodyTooLarge => {
                (S::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large.")
            }
            Self::NotYetValid => (
                S::UNPROCESSABLE_ENTITY,
                "not_yet_valid",
                "The campaign has not begun, or is closed at this hour.",
            ),
            Self::IdempotencyKeyReused => (
                S::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The idempotency key was used with another body.",
            ),
            Self::PatternTooSmall => (
                S::UNPROCESSABLE_ENTITY,
                "pattern_too_small",
                "The pattern has too few possible codes.",
            ),
            Self::RateLimited => {
                (S::TOO_MANY_REQUESTS, "rate_limited", "There were too many requests.")
            }
            Self::Overloaded => {
                (S::SERVICE_UNAVAILABLE, "overloaded", "The server has too much to do.")
            }
            Self::ReadOnly => {
                (S::SERVICE_UNAVAILABLE, "read_only", "Nothing can be changed at present.")
            }
            Self::OutcomeUnknown => (
                S::SERVICE_UNAVAILABLE,
                "outcome_unknown",
                "Whether the request was carried out is not known.",
            ),
        }
    }

    /// The stable name.
    pub(crate) const fn name(self) -> &'static str {
        self.row().1
    }

    /// What it means, in a sentence that is always the same.
    pub(crate) const fn title(self) -> &'static str {
        self.row().2
    }

    /// The status of its answers.
    pub(crate) fn status(self) -> u16 {
        self.row().0.as_u16()
    }

    /// What an error of the framework's own stands for, by its status.
    pub(super) fn of_foreign(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            status if status.is_client_error() => Self::MalformedJson,
            _ => Self::Internal,
        }
    }

    /// How many seconds a client shall wait at least before it tries again, where that helps.
    pub(crate) const fn retry_after_seconds(self) -> Option<u64> {
        match self {
            Self::RateLimited | Self::Overloaded | Self::OutcomeUnknown => Some(1),
            Self::ReadOnly => Some(10),
            _ => None,
        }
    }
}

/// Begins the answer of a server that is not to be sent traffic. It is for load balancers, which
/// look at the status alone.
pub(crate) fn begin_unready() -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
}
