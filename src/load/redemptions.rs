//! Redemptions as a load: single ones or batches, with some validations between them if wanted.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Source;
use super::supply::Supply;
use super::tally::Tally;
use crate::client::Target;

/// Where single redemptions go.
const REDEMPTIONS: &str = "/api/v1/redemptions";

/// What the requests are.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Where single redemptions go; [`Shape::new`] knows the usual place.
    pub path: String,
    /// How many redemptions a request has; `None` for single ones, which have another route.
    pub batch: Option<usize>,
    /// The part of the requests that only validate, from 0 to 1. A batch never does.
    pub validate_share: f64,
    /// What idempotency keys begin with, if there shall be any. It must differ from load to load.
    pub idempotency_prefix: Option<String>,
    /// What the users' names begin with.
    pub user_prefix: String,
}

/// Requests that redeem each code of a supply once, each for a user of its own.
pub struct Redemptions {
    shape: Shape,
    supply: Arc<Supply>,
    /// What stands in every request behind its path, up to what differs.
    headers: String,
    next: AtomicU64,
}

impl Shape {
    /// Single redemptions, without keys.
    pub fn new() -> Self {
        Self {
            path: REDEMPTIONS.to_owned(),
            batch: None,
            validate_share: 0.0,
            idempotency_prefix: None,
            user_prefix: "bench-".to_owned(),
        }
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self::new()
    }
}

impl Redemptions {
    /// Requests of this shape to a server, with an API key, for these codes.
    pub fn new(shape: Shape, target: &Target, key: &str, supply: Arc<Supply>) -> Self {
        let host = target.host();
        let headers = format!(
            " HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\n"
        );
        Self { shape, supply, headers, next: AtomicU64::new(0) }
    }

    /// Writes the body of a request; `None` where the codes have run out.
    fn body(&self, number: u64, validates: bool) -> Option<Vec<u8>> {
        let Shape { batch, user_prefix, .. } = &self.shape;
        let user = |item: u64, body: &mut Vec<u8>| {
            let _ = write!(body, r#","user_id":"{user_prefix}{item}"}}"#);
        };
        let mut body = Vec::with_capacity(96 * batch.unwrap_or(1) + 32);
        if validates {
            let there = self.supply.look(|code| begin_item(code, &mut body));
            user(number, &mut body);
            return there.then_some(body);
        }
        let Some(batch) = *batch else {
            let taken = self.supply.take(1, |code| begin_item(code, &mut body));
            user(number, &mut body);
            return (taken > 0).then_some(body);
        };
        body.extend_from_slice(br#"{"redemptions":["#);
        let mut item = number * batch as u64;
        let taken = self.supply.take(batch, |code| {
            if !body.ends_with(b"[") {
                body.push(b',');
            }
            begin_item(code, &mut body);
            user(item, &mut body);
            item += 1;
        });
        body.extend_from_slice(b"]}");
        (taken > 0).then_some(body)
    }

    /// Whether a request only validates: every so many-th, so that the share is exact.
    fn validates(&self, number: u64) -> bool {
        let before = |number: u64| (number as f64 * self.shape.validate_share) as u64;
        self.shape.batch.is_none() && before(number + 1) > before(number)
    }
}

impl Source for Redemptions {
    fn write(&self, wire: &mut Vec<u8>) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let validates = self.validates(number);
        let Some(body) = self.body(number, validates) else { return false };
        let (path, more) = match (validates, self.shape.batch) {
            (true, _) => ("/api/v1/validations", ""),
            (false, Some(_)) => (self.shape.path.as_str(), "/batch"),
            (false, None) => (self.shape.path.as_str(), ""),
        };
        for part in ["POST ", path, more, &self.headers] {
            wire.extend_from_slice(part.as_bytes());
        }
        if let Some(prefix) = self.shape.idempotency_prefix.as_ref().filter(|_| !validates) {
            let _ = write!(wire, "Idempotency-Key: {prefix}{number}\r\n");
        }
        let _ = write!(wire, "Content-Length: {}\r\n\r\n", body.len());
        wire.extend_from_slice(&body);
        true
    }

    fn file(&self, status: u16, body: &[u8], tally: &mut Tally) {
        if status >= 300 {
            let problem: Option<Problem<'_>> = serde_json::from_slice(body).ok();
            tally.count(
                status,
                Some(problem.map_or("(no problem document)", |problem| problem.code)),
            );
        } else if self.shape.batch.is_none() {
            tally.count(status, None);
        } else if let Ok(batch) = serde_json::from_slice::<Batch<'_>>(body) {
            for Item { status, problem, .. } in batch.results {
                tally.count(status, problem.map(|problem| problem.code));
            }
        } else {
            *tally.broken.entry("the answer is no batch").or_default() += 1;
        }
    }
}

#[derive(Deserialize)]
struct Problem<'a> {
    code: &'a str,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    results: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    status: u16,
    #[serde(borrow)]
    problem: Option<Problem<'a>>,
    #[serde(rename = "redemption")]
    _redemption: Option<IgnoredAny>,
}

/// Writes an item up to its code. Codes are mostly letters and digits; what is not is escaped.
fn begin_item(code: &[u8], body: &mut Vec<u8>) {
    body.extend_from_slice(br#"{"code":"#);
    if code.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        body.push(b'"');
        body.extend_from_slice(code);
        body.push(b'"');
    } else {
        // Writing text to memory does not fail.
        let _ = serde_json::to_writer(body, &String::from_utf8_lossy(code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(shape: Shape, codes: &[u8]) -> Redemptions {
        let supply = Arc::new(Supply::new());
        supply.add(codes.to_vec());
        supply.complete();
        Redemptions::new(shape, &Target::Network("h:1".to_owned()), "rk_1", supply)
    }

    fn next(source: &Redemptions) -> Option<String> {
        let mut wire = Vec::new();
        source.write(&mut wire).then(|| String::from_utf8(wire).unwrap())
    }

    #[test]
    fn requests_are_written_as_http_says() {
        let keyed = Shape { idempotency_prefix: Some("k-".to_owned()), ..Shape::new() };
        let single = source(keyed, b"A-1\n\"\\\n");
        let expected = "POST /api/v1/redemptions HTTP/1.1\r\nHost: h:1\r\n\
                        Authorization: Bearer rk_1\r\nContent-Type: application/json\r\n\
                        Idempotency-Key: k-0\r\nContent-Length: 34\r\n\r\n\
                        {\"code\":\"A-1\",\"user_id\":\"bench-0\"}";
        assert_eq!(next(&single).unwrap(), expected);
        assert!(next(&single).unwrap().ends_with(r#"{"code":"\"\\","user_id":"bench-1"}"#));
        assert_eq!(next(&single), None);

        let batches = source(Shape { batch: Some(2), ..Shape::new() }, b"A\nB\nC\n");
        let first = next(&batches).unwrap();
        assert!(first.starts_with("POST /api/v1/redemptions/batch HTTP/1.1\r\n"), "{first}");
        assert!(first.ends_with(
            r#"{"redemptions":[{"code":"A","user_id":"bench-0"},{"code":"B","user_id":"bench-1"}]}"#
        ));
        let last = next(&batches).unwrap();
        assert!(last.ends_with(r#"{"redemptions":[{"code":"C","user_id":"bench-2"}]}"#));
        assert_eq!(next(&batches), None);
    }

    #[test]
    fn the_share_of_validations_is_exact() {
        let codes = (0..100).map(|code| format!("{code}\n")).collect::<String>();
        let source = source(Shape { validate_share: 0.3, ..Shape::new() }, codes.as_bytes());
        let requests: Vec<_> = (0..100).map(|_| next(&source).unwrap()).collect();
        let validations = requests.iter().filter(|request| request.contains("/validations"));
        assert!(validations.count().abs_diff(30) <= 1);
    }

    #[test]
    fn answers_are_filed_by_status_and_problem() {
        let mut tally = Tally::new();
        let single = source(Shape::new(), b"");
        single.file(201, b"{}", &mut tally);
        single.file(409, br#"{"title":"x","code":"already_redeemed"}"#, &mut tally);
        single.file(502, b"<html>", &mut tally);
        let batches = source(Shape { batch: Some(2), ..Shape::new() }, b"");
        let body = br#"{"results":[
            {"status":201,"redemption":{"id":"red_1","reward":{"status":500}}},
            {"status":410,"problem":{"type":"t","code":"expired","status":410}},
            {"status":201,"redemption":{},"replayed":true}]}"#;
        batches.file(200, body, &mut tally);
        batches.file(200, b"{}", &mut tally);
        let statuses: Vec<_> = tally.statuses.into_iter().collect();
        assert_eq!(statuses, [(201, 3), (409, 1), (410, 1), (502, 1)]);
        let problems: Vec<_> =
            tally.problems.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(
            problems,
            [("(no problem document)", 1), ("already_redeemed", 1), ("expired", 1)]
        );
        assert_eq!(tally.broken.into_values().sum::<u64>(), 1);
    }
}
