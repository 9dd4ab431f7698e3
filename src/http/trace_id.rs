//! The trace that a request is a part of, as `traceparent` says it (W3C Trace Context, level 1). It
//! stands in every log line about the request, so that logs and traces of other services meet.

use actix_web::http::header::HeaderValue;

/// Version, trace, parent and flags, each with its place and length.
const LENGTH: usize = 55;
const TRACE: std::ops::Range<usize> = 3..35;
const PARENT: std::ops::Range<usize> = 36..52;

/// The identifier of a trace: 32 lower-case hexadecimal digits.
#[derive(Clone, Debug)]
pub(super) struct TraceId(HeaderValue);

impl TraceId {
    /// The one that a header names, if it is well-formed; anything else counts as no header, as the
    /// standard says.
    pub(super) fn of(header: Option<&HeaderValue>) -> Option<Self> {
        let header = header?;
        is_well_formed(header.as_bytes()).then(|| Self(header.clone()))
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().ok().and_then(|text| text.get(TRACE)).unwrap_or_default()
    }
}

fn is_well_formed(bytes: &[u8]) -> bool {
    let is_hex = |range: std::ops::Range<usize>| {
        let digits = bytes.get(range).unwrap_or_default();
        !digits.is_empty() && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |range| {
        bytes.get(range).is_none_or(|digits: &[u8]| digits.iter().all(|&digit| digit == b'0'))
    };
    let is_dash = |place: usize| bytes.get(place) == Some(&b'-');
    // Later versions may go on after a dash; this one must end.
    let ends = match bytes.get(..2) {
        Some(b"00") => bytes.len() == LENGTH,
        Some(b"ff") | None => false,
        Some(_) => bytes.len() == LENGTH || is_dash(LENGTH),
    };
    ends && is_hex(0..2)
        && is_hex(TRACE)
        && is_hex(PARENT)
        && is_hex(53..55)
        && [2, 35, 52].into_iter().all(is_dash)
        && !is_zero(TRACE)
        && !is_zero(PARENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_ones_are_taken_and_others_passed_over() {
        let of = |text: &str| {
            let header = HeaderValue::from_str(text).unwrap();
            TraceId::of(Some(&header)).map(|trace| trace.as_str().to_owned())
        };
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        for good in [
            format!("00-{trace}-00f067aa0ba902b7-01"),
            format!("cc-{trace}-00f067aa0ba902b7-00"),
            format!("cc-{trace}-00f067aa0ba902b7-00-more"),
        ] {
            assert_eq!(of(&good).as_deref(), Some(trace), "{good}");
        }
        for bad in [
            String::new(),
            trace.to_owned(),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{trace}-00f067aa0ba902b7-01-more"),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{trace}-00f067aa0ba902b7-0g"),
            format!("00_{trace}-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(of(&bad), None, "{bad}");
        }
        assert!(TraceId::of(None).is_none());
    }
}
