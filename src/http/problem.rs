//! Problem documents (RFC 9457): every error that a client can get, and the only place that knows
//! which status codes errors have.

use std::borrow::Cow;
use std::fmt;

use actix_web::body::BoxBody;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use redeemd_actors::core::ReadOnly;
use redeemd_domain::control;
use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::refusal::Refusal;

use super::json::Object;
use super::request_id::RequestId;
use crate::service::Error;

/// What went wrong, as programs test it. The names are part of the interface's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
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
    /// The campaign's window has not begun.
    NotYetValid,
    /// The key was used with another body.
    IdempotencyKeyReused,
    /// There is more to do than fits.
    Overloaded,
    /// Nothing can be changed at present.
    ReadOnly,
    /// Whether it was done is not known.
    OutcomeUnknown,
}

impl Code {
    /// Status, name, title.
    const fn row(self) -> (StatusCode, &'static str, &'static str) {
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
            Self::NotYetValid => {
                (S::UNPROCESSABLE_ENTITY, "not_yet_valid", "The campaign has not begun.")
            }
            Self::IdempotencyKeyReused => (
                S::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The idempotency key was used with another body.",
            ),
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
    pub(super) const fn name(self) -> &'static str {
        self.row().1
    }
}

/// The name that programs know a refusal by.
pub(super) fn refusal_code(refusal: Refusal) -> Code {
    match refusal {
        Refusal::IdempotencyKeyReused => Code::IdempotencyKeyReused,
        Refusal::InvalidCode => Code::InvalidCode,
        Refusal::Revoked => Code::Revoked,
        Refusal::NotYetValid => Code::NotYetValid,
        Refusal::Expired => Code::Expired,
        Refusal::CampaignArchived => Code::CampaignArchived,
        Refusal::CampaignPaused => Code::CampaignPaused,
        Refusal::AlreadyRedeemed => Code::AlreadyRedeemed,
    }
}

/// Begins the answer of a server that is not to be sent traffic. It is for load balancers, which
/// look at the status alone.
pub(super) fn begin_unready() -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
}

/// Where in a request a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the body, by JSON pointer (RFC 6901).
    Body(String),
    /// In a parameter of the address.
    Parameter(&'static str),
    /// In a header.
    Header(&'static str),
}

/// Something that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where it is.
    pub place: Place,
    /// What is wrong, without repeating what was sent.
    pub detail: Cow<'static, str>,
}

/// An error on its way to a client.
#[derive(Clone, Debug)]
pub(super) struct Problem(Box<Content>);

#[derive(Clone, Debug)]
struct Content {
    code: Code,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    redemption: Option<RedemptionId>,
    allow: Option<&'static str>,
    /// What the log shall know and the client shall not.
    reason: Option<String>,
}

impl Problem {
    /// A problem, explained by a sentence that repeats nothing of what was sent.
    pub(super) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Content {
            code,
            detail: detail.into(),
            faults: Vec::new(),
            redemption: None,
            allow: None,
            reason: None,
        }))
    }

    /// The request's content is not accepted, for these reasons.
    pub(super) fn invalid(faults: Vec<Fault>) -> Self {
        let detail: Cow<'static, str> = match faults.as_slice() {
            [only] => format!("{} {}.", only.place, only.detail).into(),
            faults => format!("{} things are not accepted; see errors.", faults.len()).into(),
        };
        let mut problem = Self::new(Code::ValidationFailed, detail);
        problem.0.faults = faults;
        problem
    }

    /// A parameter of the address is not accepted.
    pub(super) fn parameter(name: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(vec![Fault { place: Place::Parameter(name), detail: detail.into() }])
    }

    /// A header is not accepted.
    pub(super) fn header(name: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(vec![Fault { place: Place::Header(name), detail: detail.into() }])
    }

    /// A field of the body is not accepted.
    pub(super) fn field(pointer: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        let place = Place::Body(pointer.to_owned());
        Self::invalid(vec![Fault { place, detail: detail.into() }])
    }

    /// There is no such resource.
    pub(super) fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing at this address.")
    }

    /// The resource has other methods.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let mut problem =
            Self::new(Code::MethodNotAllowed, format!("The resource has {allow} alone."));
        problem.0.allow = Some(allow);
        problem
    }

    /// The body is larger than accepted.
    pub(super) fn body_too_large(limit: usize) -> Self {
        Self::new(Code::BodyTooLarge, format!("A body has at most {limit} bytes here."))
    }

    /// An error of the server's own; the reason goes to the log alone.
    pub(super) fn internal(reason: impl Into<String>) -> Self {
        let mut problem =
            Self::new(Code::Internal, "The error was logged under the identifier in X-Request-Id.");
        problem.0.reason = Some(reason.into());
        problem
    }

    /// What the framework says of a request before a handler sees it.
    pub(super) fn of_foreign(error: &actix_web::Error) -> Self {
        let response = error.as_response_error();
        let status = response.status_code();
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(Code::BodyTooLarge, "The body is larger than accepted.")
            }
            StatusCode::REQUEST_TIMEOUT => {
                Self::new(Code::RequestTimeout, "The request was not complete in time.")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::new(Code::UnsupportedMediaType, "The body is in a form that is not read.")
            }
            status if status.is_client_error() => {
                Self::new(Code::ValidationFailed, "The request cannot be read.")
            }
            _ => Self::internal(format!("the framework answered {status}")),
        }
    }

    /// What reading a body ended in.
    pub(super) fn of_payload(error: &PayloadError, limit: usize) -> Self {
        match error {
            PayloadError::Overflow => Self::body_too_large(limit),
            PayloadError::EncodingCorrupted => Self::new(
                Code::UnsupportedMediaType,
                "The body has a transfer or content encoding that is not read.",
            ),
            _ => Self::new(Code::MalformedJson, "The body ended before it was complete."),
        }
    }

    /// The stable name of what went wrong.
    #[cfg(test)]
    pub(super) fn code(&self) -> Code {
        self.0.code
    }

    /// What the log shall know and the client shall not.
    pub(super) fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The answer that tells the client.
    pub(super) fn answer(&self, request_id: &RequestId) -> HttpResponse {
        let (status, _, _) = self.0.code.row();
        let mut response = HttpResponse::build(status);
        response.insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        ));
        if let Some(seconds) = self.retry_after_seconds() {
            response.insert_header((header::RETRY_AFTER, HeaderValue::from_static(seconds)));
        }
        if let Some(allow) = self.0.allow {
            response.insert_header((header::ALLOW, HeaderValue::from_static(allow)));
        }
        if self.0.code == Code::Unauthenticated {
            let challenge = HeaderValue::from_static("Bearer realm=\"redeemd\"");
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.body(self.document(request_id))
    }

    fn retry_after_seconds(&self) -> Option<&'static str> {
        match self.0.code {
            Code::Overloaded | Code::OutcomeUnknown => Some("1"),
            Code::ReadOnly => Some("10"),
            _ => None,
        }
    }

    fn document(&self, request_id: &RequestId) -> Vec<u8> {
        let (status, name, title) = self.0.code.row();
        let mut document = Vec::with_capacity(256);
        let mut object = Object::begin(&mut document);
        object.display("type", &format_args!("urn:redeemd:problem:{name}"));
        object.text("title", title);
        object.number("status", status.as_u16().into());
        object.text("detail", &self.0.detail);
        object.display("instance", &format_args!("urn:redeemd:request:{request_id}"));
        object.text("code", name);
        if !self.0.faults.is_empty() {
            object.objects("errors", &self.0.faults, |fault, object| {
                match &fault.place {
                    Place::Body(pointer) => object.text("pointer", pointer),
                    Place::Parameter(name) => object.text("parameter", name),
                    Place::Header(name) => object.text("header", name),
                }
                object.text("detail", &fault.detail);
            });
        }
        if let Some(id) = self.0.redemption {
            object.display("redemption_id", &id);
        }
        object.end();
        document
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(pointer) if pointer.is_empty() => formatter.write_str("The body"),
            Self::Body(pointer) => write!(formatter, "The field {pointer}"),
            Self::Parameter(name) => write!(formatter, "The parameter {name}"),
            Self::Header(name) => write!(formatter, "The header {name}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.code.name())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.row().0
    }

    /// An empty answer: the boundary, which alone knows the request's identifier, writes the
    /// document.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => of_refusal(refusal),
            Error::ControlRefused(refusal) => of_control_refusal(refusal),
            Error::NotFound => Self::not_found(),
            Error::Overloaded => Self::new(
                Code::Overloaded,
                "Nothing was done. Try again after the time in Retry-After.",
            ),
            Error::Unavailable => Self::new(
                Code::Overloaded,
                "A part of the server is being rebuilt. Nothing was done; try again.",
            ),
            Error::ReadOnly(reason) => Self::new(
                Code::ReadOnly,
                match reason {
                    ReadOnly::DiskFull => "The disk is full. Nothing was done.",
                    ReadOnly::ClockLeap => {
                        "The clock leapt, and an operator has to say whether it is right. Nothing \
                         was done."
                    }
                },
            ),
            Error::StillSpreading => Self::new(
                Code::Overloaded,
                "The change is made and is on its way to every part of the server. Ask again to \
                 hear when it has arrived.",
            ),
            Error::OutcomeUnknown(redemption) => {
                let mut problem = Self::new(
                    Code::OutcomeUnknown,
                    "Send the request again with the same Idempotency-Key to learn it.",
                );
                problem.0.redemption = redemption;
                problem
            }
            Error::Internal(reason) => Self::internal(reason),
        }
    }
}

fn of_refusal(refusal: Refusal) -> Problem {
    let detail = match refusal {
        Refusal::IdempotencyKeyReused => {
            "The first request with this key about this code had another body."
        }
        Refusal::InvalidCode => "No such code was issued, or it was mistyped.",
        Refusal::Revoked => "The code was revoked and cannot be redeemed.",
        Refusal::NotYetValid => "The code cannot be redeemed before its campaign begins.",
        Refusal::Expired => "The code cannot be redeemed after its campaign's end.",
        Refusal::CampaignArchived => "The code's campaign is archived.",
        Refusal::CampaignPaused => "The code's campaign is paused.",
        Refusal::AlreadyRedeemed => "The code has been redeemed as often as its campaign allows.",
    };
    Problem::new(refusal_code(refusal), detail)
}

fn of_control_refusal(refusal: control::Refusal) -> Problem {
    use control::Refusal as R;
    match refusal {
        R::IdempotencyKeyReused => Problem::new(
            Code::IdempotencyKeyReused,
            "The first request with this key had another body.",
        ),
        R::NotFound => Problem::not_found(),
        R::EditionChanged => Problem::new(
            Code::PreconditionFailed,
            "Read it again, and make the change to what it is now.",
        ),
        R::CampaignArchived => {
            Problem::new(Code::CampaignArchived, "An archived campaign stays as it is.")
        }
        R::CodesNotGenerated => {
            Problem::new(Code::ValidationFailed, "The campaign's codes are not made by the server.")
        }
        R::EmptyWindow => Problem::field("/expires_at", "must be later than starts_at"),
        R::TooManyCodes => Problem::field("/count", "is more than the campaign has room for"),
        R::AlreadyExists => Problem::new(Code::AlreadyExists, "It exists already."),
        R::SecretNotAdded | R::NoSealingKey | R::TooManyCampaigns => {
            Problem::internal(format!("the control sequence refused: {refusal:?}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(problem: &Problem) -> serde_json::Value {
        let id = RequestId::of(Some(&HeaderValue::from_static("abc-1")));
        serde_json::from_slice(&problem.document(&id)).unwrap()
    }

    #[test]
    fn a_document_says_everything() {
        let problem = Problem::field("/count", "must be a whole number from 1 to 10");
        assert_eq!(
            document(&problem),
            serde_json::json!({
                "type": "urn:redeemd:problem:validation_failed",
                "title": "The request is not valid.",
                "status": 400,
                "detail": "The field /count must be a whole number from 1 to 10.",
                "instance": "urn:redeemd:request:abc-1",
                "code": "validation_failed",
                "errors": [
                    {"pointer": "/count", "detail": "must be a whole number from 1 to 10"}
                ],
            })
        );
    }

    #[test]
    fn an_unknown_outcome_names_the_redemption() {
        let id = RedemptionId::parse("red_0000000000000000000000").unwrap();
        let problem = Problem::from(Error::OutcomeUnknown(Some(id)));
        assert_eq!(document(&problem)["redemption_id"], id.to_string());
        assert_eq!(problem.retry_after_seconds(), Some("1"));
    }

    #[test]
    fn every_refusal_has_the_status_of_the_contract() {
        let table = [
            (Refusal::IdempotencyKeyReused, 422, "idempotency_key_reused"),
            (Refusal::InvalidCode, 404, "invalid_code"),
            (Refusal::Revoked, 410, "revoked"),
            (Refusal::NotYetValid, 422, "not_yet_valid"),
            (Refusal::Expired, 410, "expired"),
            (Refusal::CampaignArchived, 409, "campaign_archived"),
            (Refusal::CampaignPaused, 409, "campaign_paused"),
            (Refusal::AlreadyRedeemed, 409, "already_redeemed"),
        ];
        assert_eq!(table.map(|(refusal, _, _)| refusal), Refusal::ALL);
        for (refusal, status, name) in table {
            let problem = of_refusal(refusal);
            assert_eq!((problem.status_code().as_u16(), problem.code().name()), (status, name));
        }
    }

    #[test]
    fn the_reason_of_an_internal_error_stays_inside() {
        let problem = Problem::internal("the ledger is damaged");
        assert!(!document(&problem).to_string().contains("ledger"));
        assert_eq!(problem.reason(), Some("the ledger is damaged"));
    }
}
