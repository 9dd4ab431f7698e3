//! Which form of an answer a client accepts (RFC 9110, section 12.5.1).

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

use super::problem::{Kind, Problem};

/// The media type of most answers.
pub(super) const JSON: &str = "application/json";

/// The offer that the client likes best; of equally liked ones the first.
///
/// # Errors
/// `not_acceptable` where it accepts none of them.
pub(super) fn choose(
    request: &HttpRequest,
    offers: &[&'static str],
) -> Result<&'static str, Problem> {
    let mut headers = request.headers().get_all(ACCEPT).peekable();
    let Some(first) = headers.peek() else {
        return offers.first().copied().ok_or_else(|| refused(offers));
    };
    if first.as_bytes() == b"*/*" {
        return offers.first().copied().ok_or_else(|| refused(offers));
    }
    let ranges: Vec<Range<'_>> = headers
        .flat_map(|header| header.to_str().unwrap_or("*/*").split(','))
        .filter_map(Range::parse)
        .collect();
    let mut best: Option<(&'static str, u16)> = None;
    for &offer in offers {
        let quality = quality(&ranges, offer);
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((offer, quality));
        }
    }
    best.map(|(offer, _)| offer).ok_or_else(|| refused(offers))
}

/// Makes sure that the client accepts JSON.
///
/// # Errors
/// `not_acceptable` where it does not.
pub(super) fn json(request: &HttpRequest) -> Result<(), Problem> {
    choose(request, &[JSON]).map(|_| ())
}

fn refused(offers: &[&'static str]) -> Problem {
    Problem::new(Kind::NotAcceptable, format!("It can be had as {}.", offers.join(", ")))
}

/// A media range with its weight in thousandths.
struct Range<'a> {
    kind: &'a str,
    subkind: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subkind) = parts.next()?.split_once('/')?;
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().ok())
        });
        let quality = weight.flatten().unwrap_or(1.0).clamp(0.0, 1.0);
        Some(Self { kind, subkind, quality: (quality * 1000.0) as u16 })
    }

    /// How exactly it names a media type; `None` where it does not.
    fn exactness(&self, kind: &str, subkind: &str) -> Option<u8> {
        match (self.kind, self.subkind) {
            ("*", "*") => Some(0),
            (one, "*") if one.eq_ignore_ascii_case(kind) => Some(1),
            (one, two) if one.eq_ignore_ascii_case(kind) && two.eq_ignore_ascii_case(subkind) => {
                Some(2)
            }
            _ => None,
        }
    }
}

/// How much a client likes an offer: the weight of the range that names it most exactly.
fn quality(ranges: &[Range<'_>], offer: &str) -> u16 {
    let (kind, subkind) = offer.split_once('/').unwrap_or((offer, ""));
    let matching = ranges.iter().filter_map(|range| {
        range.exactness(kind, subkind).map(|exactness| (exactness, range.quality))
    });
    matching.max_by_key(|&(exactness, _)| exactness).map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_best_liked_offer_is_chosen() {
        let offers = ["application/json", "text/csv", "application/x-ndjson"];
        for (header, chosen) in [
            (None, Some("application/json")),
            (Some("*/*"), Some("application/json")),
            (Some("text/csv"), Some("text/csv")),
            (Some("TEXT/CSV; charset=utf-8"), Some("text/csv")),
            (Some("text/*"), Some("text/csv")),
            (Some("text/html, */*;q=0.1"), Some("application/json")),
            (Some("application/json;q=0.5, text/csv;q=0.9"), Some("text/csv")),
            (Some("*/*, application/json;q=0"), Some("text/csv")),
            (Some("text/html"), None),
            (Some("application/json;q=0"), None),
            (Some(""), None),
        ] {
            let mut request = TestRequest::default();
            if let Some(header) = header {
                request = request.insert_header((ACCEPT, header));
            }
            let choice = choose(&request.to_http_request(), &offers);
            assert_eq!(choice.ok(), chosen, "{header:?}");
        }
    }
}
