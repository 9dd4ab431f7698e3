//! Reads bodies: of the right type, no larger than allowed, and in time.

use std::future::poll_fn;
use std::pin::Pin;

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_core::Stream;

use super::problem::{Kind, Problem};
use super::site::Site;

/// How many times as large a body for many things at once may be.
const LARGE: usize = 8;

impl Site {
    /// The JSON body of a request, not looked into yet.
    ///
    /// # Errors
    /// `unsupported_media_type`, `body_too_large`, `request_timeout`, or `malformed_json` where it
    /// ended early.
    pub(super) async fn body(
        &self,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<Bytes, Problem> {
        self.json_body(request, payload, self.operation.live.body_limit_bytes()).await
    }

    /// The body of a request for many things at once, which may be so many times as large.
    ///
    /// # Errors
    /// As [`Site::body`].
    pub(super) async fn large_body(
        &self,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<Bytes, Problem> {
        self.json_body(
            request,
            payload,
            self.operation.live.body_limit_bytes().saturating_mul(LARGE),
        )
        .await
    }

    /// The body of a request that need not have one: empty, or JSON.
    ///
    /// # Errors
    /// As [`Site::body`].
    pub(super) async fn optional_body(
        &self,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<Bytes, Problem> {
        if request.headers().contains_key(CONTENT_TYPE) {
            self.body(request, payload).await
        } else {
            self.any_body(request, payload, self.operation.live.body_limit_bytes()).await
        }
    }

    async fn json_body(
        &self,
        request: &HttpRequest,
        payload: Payload,
        limit: usize,
    ) -> Result<Bytes, Problem> {
        if !request.headers().get(CONTENT_TYPE).is_some_and(|value| is_json(value.as_bytes())) {
            return Err(Problem::new(
                Kind::UnsupportedMediaType,
                "A body must be application/json in UTF-8, and its Content-Type must say so.",
            ));
        }
        self.any_body(request, payload, limit).await
    }

    async fn any_body(
        &self,
        request: &HttpRequest,
        mut payload: Payload,
        limit: usize,
    ) -> Result<Bytes, Problem> {
        if is_encoded(request) {
            let detail = "A body is not read in a content encoding; send it as it is.";
            return Err(Problem::new(Kind::UnsupportedMediaType, detail));
        }
        let length = request.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > limit as u64) {
            return Err(Problem::body_too_large(limit));
        }
        match tokio::time::timeout(self.body_timeout, gather(&mut payload, limit)).await {
            Ok(body) => body,
            Err(_) => Err(Problem::new(
                Kind::RequestTimeout,
                "The body was not complete in time. Nothing was done.",
            )),
        }
    }
}

/// Puts the pieces of a body together. Nearly every body comes in one piece, which is not copied.
async fn gather(payload: &mut Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut next = async || poll_fn(|context| Pin::new(&mut *payload).poll_next(context)).await;
    let check = |length: usize| match length <= limit {
        true => Ok(()),
        false => Err(Problem::body_too_large(limit)),
    };
    let failed = |error| Problem::of_payload(&error, limit);
    let Some(first) = next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(failed)?;
    check(first.len())?;
    let Some(second) = next().await else { return Ok(first) };
    let second = second.map_err(failed)?;
    let mut body = BytesMut::from(first.as_ref());
    check(body.len() + second.len())?;
    body.extend_from_slice(&second);
    while let Some(piece) = next().await {
        let piece = piece.map_err(failed)?;
        check(body.len() + piece.len())?;
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// Whether a body is compressed, or encoded otherwise.
pub(super) fn is_encoded(request: &HttpRequest) -> bool {
    let mut encodings = request.headers().get_all(CONTENT_ENCODING);
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether a content type is JSON.
fn is_json(content_type: &[u8]) -> bool {
    content_type == b"application/json" || is_of_type(content_type, "application/json")
}

/// Whether a content type is a media type; a charset may be named if it is UTF-8, the only one
/// there is.
pub(super) fn is_of_type(content_type: &[u8], wanted: &str) -> bool {
    let Ok(text) = std::str::from_utf8(content_type) else { return false };
    let mut parts = text.split(';').map(str::trim);
    let is_wanted = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted));
    is_wanted
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_utf_8_is_read() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in ["", "text/plain", "application/json; charset=latin1", "application/x-json"] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
    }
}
