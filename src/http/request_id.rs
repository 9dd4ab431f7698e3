//! The identifier of a request: taken from `X-Request-Id`, or made. It comes back in the answer and
//! stands in every log line about the request.

use std::cell::Cell;
use std::fmt;

use actix_web::http::header::HeaderValue;
use actix_web::{HttpMessage as _, HttpRequest};
use redeemd_domain::codes::SealedBlock;

use super::trace_id::TraceId;

/// The most characters that are taken.
const LONGEST: usize = 128;

/// Names one request: 1 to 128 letters, digits and `-_.:/+=@`, which harm no log and no address.
#[derive(Clone, Debug)]
pub(super) struct RequestId {
    text: HeaderValue,
    trace: Option<TraceId>,
}

impl RequestId {
    /// The identifier that the client gave, if it is one; otherwise a new one.
    pub(super) fn of(header: Option<&HeaderValue>) -> Self {
        match header {
            Some(value) if is_sane(value.as_bytes()) && !is_code(value) => {
                Self { text: value.clone(), trace: None }
            }
            _ => Self::make(),
        }
    }

    /// The identifier of a request that passed the boundary.
    pub(super) fn of_request(request: &HttpRequest) -> Self {
        let known = request.extensions().get::<Self>().cloned();
        known.unwrap_or_else(Self::make)
    }

    /// The same request, as a part of a trace.
    pub(super) fn in_trace(self, trace: Option<TraceId>) -> Self {
        Self { trace, ..self }
    }

    /// The trace that it is a part of, if the client said so.
    pub(super) fn trace(&self) -> Option<&str> {
        self.trace.as_ref().map(TraceId::as_str)
    }

    /// The header that carries it.
    pub(super) fn header(&self) -> HeaderValue {
        self.text.clone()
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        self.text.to_str().unwrap_or_default()
    }

    /// A new one, distinct within this process and from those of another run.
    fn make() -> Self {
        thread_local! {
            static NEXT: Cell<u64> = Cell::new(getrandom::u64().unwrap_or_default());
        }
        // Multiplying by an odd number keeps consecutive numbers distinct and spreads them.
        let number = NEXT.replace(NEXT.get().wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut text = [0; 16];
        for (place, digit) in text.iter_mut().enumerate() {
            let value = (number >> (60 - 4 * place)) & 15;
            *digit = b"0123456789abcdef"[value as usize];
        }
        let text = HeaderValue::from_bytes(&text);
        let text = text.unwrap_or_else(|_| HeaderValue::from_static("unnamed"));
        Self { text, trace: None }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

fn is_sane(bytes: &[u8]) -> bool {
    let is_sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
    (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(is_sane)
}

/// Whether it could be a sealed code: a client that names its request by the code must not bring
/// it into a log.
fn is_code(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| SealedBlock::parse(text).is_ok())
}

#[cfg(test)]
mod tests {
    use redeemd_domain::codes::{CampaignNumber, SealingKey, Serial};

    use super::*;

    #[test]
    fn a_code_is_not_taken() {
        let code = SealingKey::new(&[7; 32]).seal(CampaignNumber(1), Serial::default());
        let header = HeaderValue::from_str(code.as_str()).unwrap();
        assert_ne!(RequestId::of(Some(&header)).as_str(), code.as_str());
    }

    #[test]
    fn sane_ones_are_taken_and_others_replaced() {
        for sane in ["a", "6f1c-42:trace/span_1.2+3=", &"x".repeat(128)] {
            let header = HeaderValue::from_str(sane).unwrap();
            assert_eq!(RequestId::of(Some(&header)).as_str(), sane);
        }
        for other in ["", "two words", "quote\"", "<b>", &"x".repeat(129)] {
            let header = HeaderValue::from_str(other).unwrap();
            let made = RequestId::of(Some(&header));
            assert!(is_sane(made.as_str().as_bytes()) && made.as_str() != other);
        }
    }

    #[test]
    fn those_that_are_made_differ() {
        let made: std::collections::HashSet<_> =
            (0..1000).map(|_| RequestId::of(None).to_string()).collect();
        assert_eq!(made.len(), 1000);
    }
}
