//! Every error code of the interface, and a request that is answered with it.

mod refused;
mod troubled;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    Client, Description, Folder, Request, campaign, campaign_with_codes, id, wait_until,
};
use refused::{REFUSED, ask, stage};
use troubled::{
    a_body_that_never_comes, a_damaged_ledger, a_failed_write, a_full_disk, a_late_rollback,
    more_than_is_taken_on,
};

/// All codes of the interface, which clients test.
const CODES: [&str; 36] = [
    "already_exists",
    "already_redeemed",
    "already_rolled_back",
    "blocked",
    "body_too_large",
    "campaign_archived",
    "campaign_limit_reached",
    "campaign_paused",
    "code_held",
    "expired",
    "forbidden",
    "hold_ended",
    "idempotency_key_reused",
    "insufficient_balance",
    "internal",
    "invalid_code",
    "malformed_json",
    "method_not_allowed",
    "not_acceptable",
    "not_found",
    "not_yet_valid",
    "outcome_unknown",
    "overloaded",
    "pattern_too_small",
    "pool_empty",
    "precondition_failed",
    "rate_limited",
    "read_only",
    "request_timeout",
    "reserved_text",
    "revoked",
    "rollback_too_late",
    "unauthenticated",
    "unsupported_media_type",
    "user_limit_reached",
    "validation_failed",
];

/// Those that nothing is answered with yet: what they are about is still to come.
const LATER: [&str; 3] = ["already_exists", "blocked", "pool_empty"];

/// Codes that a row of an import has, in an answer that is a good one.
const OF_ROWS: [&str; 1] = ["reserved_text"];

#[test]
fn every_code_is_given() {
    let mut given: BTreeSet<&str> = BTreeSet::new();
    let folder = Folder::new()
        .set("http.body_limit_bytes", "2048")
        .set("limits.public_requests_per_second", "1")
        .set("limits.public_burst", "1");
    let server = folder.start();
    let mut client = server.client();
    let names = stage(&mut client);
    for (status, code, line, body, header) in REFUSED {
        let named = |text: &str| {
            names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
        };
        let ask = || ask(&server, &named(line), &named(body), &named(header));
        let mut answer = ask();
        // A slow machine may have waited until another request is allowed.
        wait_until(code, || {
            let is_too_soon = code == "rate_limited" && answer.status == 200;
            if is_too_soon {
                answer = ask();
            }
            !is_too_soon
        });
        answer.is_problem(status, code);
        given.insert(code);
    }
    given.extend(of_a_row(&mut client));
    for (status, code, answer) in [
        (408, "request_timeout", a_body_that_never_comes()),
        (409, "rollback_too_late", a_late_rollback()),
        (500, "internal", a_damaged_ledger()),
        (503, "overloaded", more_than_is_taken_on()),
        (503, "outcome_unknown", a_failed_write()),
        (503, "read_only", a_full_disk()),
    ] {
        answer.is_problem(status, code);
        given.insert(code);
    }

    let missing: Vec<_> = CODES.iter().filter(|code| !given.contains(*code)).collect();
    assert_eq!(missing, LATER.iter().collect::<Vec<_>>());
    let document = Description::of(&client.get("/api/v1/openapi.json")).document;
    let described = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    for code in described.iter().map(|code| code.as_str().unwrap()) {
        assert!(CODES.contains(&code), "{code} is described, and no code of the interface");
    }
    for code in given.iter().filter(|code| !OF_ROWS.contains(code)) {
        assert!(described.contains(&Value::from(*code)), "{code} is given, and not described");
    }
}

/// `POST /api/v1/campaigns/camp_…/codes/import`, and a code of this server's own in it.
fn of_a_row(client: &mut Client) -> Vec<&'static str> {
    let (_, codes) = campaign_with_codes(client, json!({}), 1);
    let campaign = campaign(client, json!({ "codes": { "kind": "imported" } }));
    let path = format!("/api/v1/campaigns/{}/codes/import", id(&campaign));
    let request = Request::new("POST", &path).header("Content-Type", "text/csv");
    let answer = client.send(request.body(codes[0].as_str()));
    assert_eq!(answer.json()["rejected"], json!([{ "line": 1, "reason": "reserved_text" }]));
    OF_ROWS.into()
}
