//! The headers that change what a request does.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderValue, IF_MATCH};
use redeemd_domain::campaign::Revision;

use super::problem::Problem;
use crate::service::IdempotencyKey;

/// The header that names a request.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The request's idempotency key, if it has one.
///
/// # Errors
/// When it is no such key, or when there are two.
pub(super) fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(key) = keys.next() else { return Ok(None) };
    let key = IdempotencyKey::parse(key.as_bytes()).filter(|_| keys.next().is_none());
    key.map(Some).ok_or_else(|| {
        Problem::header(IDEMPOTENCY_KEY, "must be one value of 1 to 255 printable characters")
    })
}

/// What a change asks of the edition that it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing.
    Any,
    /// It must be one of these; the list may be empty.
    OneOf(Vec<Revision>),
}

impl Condition {
    /// The edition to be insisted on, given the one that is there. Naming the present one settles
    /// a list, since any other would be refused anyway.
    pub(super) fn edition(&self, present: Revision) -> Option<Revision> {
        match self {
            Self::Any => None,
            Self::OneOf(editions) if editions.contains(&present) => Some(present),
            // No campaign has this one, so it is refused where such things are refused.
            Self::OneOf(_) => Some(Revision(0)),
        }
    }
}

/// What `If-Match` says (RFC 9110, section 13.1.1). Tags that were never given match nothing.
pub(super) fn if_match(request: &HttpRequest) -> Condition {
    let mut editions = Vec::new();
    let mut is_conditional = false;
    for header in request.headers().get_all(IF_MATCH) {
        is_conditional = true;
        for tag in header.to_str().unwrap_or_default().split(',').map(str::trim) {
            if tag == "*" {
                return Condition::Any;
            }
            let number = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            editions.extend(number.and_then(|number| number.parse().ok()).map(Revision));
        }
    }
    if is_conditional { Condition::OneOf(editions) } else { Condition::Any }
}

/// The tag of an edition.
pub(super) fn entity_tag(edition: Revision) -> HeaderValue {
    let tag = HeaderValue::from_str(&format!("\"{}\"", edition.0));
    tag.unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn conditions_are_read() {
        let read = |value: &str| {
            if_match(&TestRequest::default().insert_header((IF_MATCH, value)).to_http_request())
        };
        assert_eq!(read("*"), Condition::Any);
        assert_eq!(read("\"3\""), Condition::OneOf(vec![Revision(3)]));
        assert_eq!(read("\"3\", \"x\", W/\"4\",\"5\"").edition(Revision(5)), Some(Revision(5)));
        assert_eq!(read("W/\"3\"").edition(Revision(3)), Some(Revision(0)));
        assert_eq!(if_match(&TestRequest::default().to_http_request()), Condition::Any);
        assert_eq!(entity_tag(Revision(7)), "\"7\"");
    }
}
