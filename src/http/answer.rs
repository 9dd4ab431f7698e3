//! Good answers: their status, and the headers that they share.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};

/// Says that an answer repeats an earlier one.
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a good answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Here it is.
    Fine,
    /// It was made.
    Made,
    /// It is gone, and there is nothing to say.
    Gone,
    /// The client has it already.
    Unchanged,
}

impl Meaning {
    /// The status that tells it.
    pub(super) fn status(self) -> u16 {
        self.code().as_u16()
    }

    fn code(self) -> StatusCode {
        match self {
            Self::Fine => StatusCode::OK,
            Self::Made => StatusCode::CREATED,
            Self::Gone => StatusCode::NO_CONTENT,
            Self::Unchanged => StatusCode::NOT_MODIFIED,
        }
    }
}

/// An answer of JSON that was written before.
pub(super) fn json(meaning: Meaning, is_replayed: bool, body: Vec<u8>) -> HttpResponse {
    let mut response = begin(meaning, is_replayed);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json"))).body(body)
}

/// An answer whose headers and body are still to come.
pub(super) fn begin(meaning: Meaning, is_replayed: bool) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(meaning.code());
    if is_replayed {
        response.insert_header((IDEMPOTENT_REPLAYED, HeaderValue::from_static("true")));
    }
    response
}

/// Keeps an answer with codes out of every cache.
pub(super) fn not_to_be_stored(response: &mut HttpResponseBuilder) {
    response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
}
