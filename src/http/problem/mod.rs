//! Problem documents (RFC 9457): every error that a client can get.

mod kind;
mod mapping;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use actix_web::body::BoxBody;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use redeemd_domain::identifier::RedemptionId;

use super::json::Object;
use super::request_id::RequestId;
use crate::service::Resource;
pub(super) use kind::{Kind, begin_unready};
pub(super) use mapping::{kind_of_error, kinds_of_redemptions, of_pattern, refusal_code};

/// Where in a request a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the body, by JSON pointer (RFC 6901).
    Body(String),
    /// In a parameter of the address.
    Parameter(&'static str),
    /// In a header.
    Header(&'static str),
}

/// Something that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where it is.
    pub place: Place,
    /// What is wrong, without repeating what was sent.
    pub detail: Cow<'static, str>,
}

/// An error on its way to a client.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Content>);

#[derive(Clone, Debug)]
struct Content {
    kind: Kind,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    redemption: Option<RedemptionId>,
    allow: Option<&'static str>,
    retry_after_seconds: Option<u64>,
    /// What the log shall know and the client shall not.
    reason: Option<String>,
}

impl Problem {
    /// A problem, explained by a sentence that repeats nothing of what was sent.
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Content {
            kind,
            detail: detail.into(),
            faults: Vec::new(),
            redemption: None,
            allow: None,
            retry_after_seconds: None,
            reason: None,
        }))
    }

    /// The request's content is not accepted, for these reasons.
    pub(crate) fn invalid(faults: Vec<Fault>) -> Self {
        let detail: Cow<'static, str> = match faults.as_slice() {
            [only] => format!("{} {}.", only.place, only.detail).into(),
            faults => format!("{} things are not accepted; see errors.", faults.len()).into(),
        };
        let mut problem = Self::new(Kind::ValidationFailed, detail);
        problem.0.faults = faults;
        problem
    }

    /// A parameter of the address is not accepted.
    pub(crate) fn parameter(name: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(vec![Fault { place: Place::Parameter(name), detail: detail.into() }])
    }

    /// A header is not accepted.
    pub(crate) fn header(name: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(vec![Fault { place: Place::Header(name), detail: detail.into() }])
    }

    /// A field of the body is not accepted.
    pub(crate) fn field(pointer: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        let place = Place::Body(pointer.to_owned());
        Self::invalid(vec![Fault { place, detail: detail.into() }])
    }

    /// The same problem, explained by other sentences, which repeat nothing of what was sent.
    pub(crate) fn explained(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// There is nothing at the address.
    pub(crate) fn not_found() -> Self {
        Self::new(
            Kind::NotFound,
            "There is nothing at this address. /api/v1/docs describes what there is.",
        )
    }

    /// There is nothing with the identifier in the address.
    pub(crate) fn missing(resource: Resource) -> Self {
        let name = resource.name();
        Self::new(Kind::NotFound, format!("There is no {name} with this identifier."))
    }

    /// The resource has other methods.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let mut problem =
            Self::new(Kind::MethodNotAllowed, format!("The resource has {allow} alone."));
        problem.0.allow = Some(allow);
        problem
    }

    /// The client asked too often, and may ask again after so many seconds.
    pub(crate) fn rate_limited(seconds: u64) -> Self {
        let mut problem = Self::new(
            Kind::RateLimited,
            format!("Too many requests from this address. Ask again in {seconds} s."),
        );
        problem.0.retry_after_seconds = Some(seconds);
        problem
    }

    /// The body is larger than accepted.
    pub(crate) fn body_too_large(limit: usize) -> Self {
        Self::new(Kind::BodyTooLarge, format!("A body has at most {limit} bytes here."))
    }

    /// An error of the server's own; the reason goes to the log alone.
    pub(crate) fn internal(reason: impl Into<String>) -> Self {
        let mut problem =
            Self::new(Kind::Internal, "The error was logged under the identifier in X-Request-Id.");
        problem.0.reason = Some(reason.into());
        problem
    }

    /// What the framework says of a request before a handler sees it.
    pub(crate) fn of_foreign(error: &actix_web::Error) -> Self {
        let status = error.as_response_error().status_code();
        match Kind::of_foreign(status) {
            Kind::Internal => Self::internal(format!("the framework answered {status}")),
            Kind::NotFound => Self::not_found(),
            kind => Self::new(kind, "The request cannot be read."),
        }
    }

    /// What reading a body ended in.
    pub(crate) fn of_payload(error: &PayloadError, limit: usize) -> Self {
        match error {
            PayloadError::Overflow => Self::body_too_large(limit),
            PayloadError::EncodingCorrupted => Self::new(
                Kind::UnsupportedMediaType,
                "The body has a transfer or content encoding that is not read.",
            ),
            _ => Self::new(Kind::MalformedJson, "The body ended before it was complete."),
        }
    }

    /// The stable name of what went wrong.
    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What the log shall know and the client shall not.
    #[cfg(test)]
    pub(crate) fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The status of the answer that tells it.
    pub(crate) fn status(&self) -> u16 {
        self.status_code().as_u16()
    }

    /// Tells the log what it shall know and the client shall not.
    pub(crate) fn log(&self, id: &RequestId, route: &'static str) {
        if let Some(reason) = self.0.reason.as_deref() {
            let (request_id, trace_id) = (id.as_str(), id.trace());
            tracing::error!(
                request_id,
                trace_id,
                route,
                reason,
                "a request ended in an internal error"
            );
        }
    }

    /// The answer that tells the client.
    pub(crate) fn answer(&self, request_id: &RequestId) -> HttpResponse {
        let (status, _, _) = self.0.kind.row();
        let mut response = HttpResponse::build(status);
        response.insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        ));
        let seconds = self.0.retry_after_seconds.or(self.0.kind.retry_after_seconds());
        if let Some(seconds) = seconds {
            response.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if let Some(allow) = self.0.allow {
            response.insert_header((header::ALLOW, HeaderValue::from_static(allow)));
        }
        if self.0.kind == Kind::Unauthenticated {
            let challenge = HeaderValue::from_static("Bearer realm=\"redeemd\"");
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.body(self.document(request_id))
    }

    fn document(&self, request_id: &RequestId) -> Vec<u8> {
        let mut document = Vec::with_capacity(256);
        let mut object = Object::begin(&mut document);
        self.write(request_id, &mut object);
        object.end();
        document
    }

    /// Writes the members of the document.
    pub(crate) fn write(&self, request_id: &RequestId, object: &mut Object<'_>) {
        let (status, name, title) = self.0.kind.row();
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
        formatter.write_str(self.0.kind.name())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.kind.row().0
    }

    /// An empty answer: the boundary, which alone knows the request's identifier, writes the
    /// document.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}
