//! Every error code of the interface, and a request that is answered with it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::support::{
    ADMIN_KEY, Answer, Client, Description, Folder, Request, Server, api_key, campaign,
    campaign_with_codes, id, raw, redeem, redeem_keyed, wait_until,
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

/// What a server that is well refuses: status and code; method and address; body; a header. Names in
/// angle brackets stand for what [`stage`] made.
const REFUSED: [(u16, &str, &str, &str, &str); 27] = [
    (400, "validation_failed", "POST /api/v1/redemptions", r#"{"code": "<fresh>"}"#, ""),
    (400, "malformed_json", "POST /api/v1/redemptions", r#"{"code": "<fresh>", "#, ""),
    (401, "unauthenticated", "POST /api/v1/redemptions", WISH, "Authorization: Bearer rk_other"),
    (403, "forbidden", "GET /api/v1/campaigns", "", "Authorization: Bearer <public>"),
    (404, "invalid_code", "POST /api/v1/redemptions", r#"{"code": "NO", "user_id": "ann"}"#, ""),
    (404, "not_found", "GET /api/v1/campaigns/camp_0000000000000000", "", ""),
    (405, "method_not_allowed", "DELETE /api/v1/redemptions", "", ""),
    (406, "not_acceptable", "POST /api/v1/redemptions", WISH, "Accept: text/html"),
    (
        409,
        "already_redeemed",
        "POST /api/v1/redemptions",
        r#"{"code": "<used>", "user_id": "ben"}"#,
        "",
    ),
    (
        409,
        "user_limit_reached",
        "POST /api/v1/redemptions",
        r#"{"code": "<second>", "user_id": "ann"}"#,
        "",
    ),
    (
        409,
        "campaign_limit_reached",
        "POST /api/v1/redemptions",
        r#"{"code": "<second>", "user_id": "ben"}"#,
        "",
    ),
    (409, "code_held", "POST /api/v1/redemptions", r#"{"code": "<held>", "user_id": "ben"}"#, ""),
    (
        409,
        "insufficient_balance",
        "POST /api/v1/redemptions",
        r#"{"code": "<gift>", "user_id": "ann", "amount": {"minor_units": 6}}"#,
        "",
    ),
    (
        409,
        "already_rolled_back",
        "POST /api/v1/redemptions/<undone>/rollback",
        r#"{"reason": "returned"}"#,
        "",
    ),
    (409, "hold_ended", "POST /api/v1/holds/<ended>/confirm", "{}", ""),
    (
        409,
        "campaign_archived",
        "POST /api/v1/redemptions",
        r#"{"code": "<archived>", "user_id": "ann"}"#,
        "",
    ),
    (409, "campaign_archived", "POST /api/v1/campaigns/<archived-campaign>/pause", "", ""),
    (
        409,
        "campaign_paused",
        "POST /api/v1/redemptions",
        r#"{"code": "<paused>", "user_id": "ann"}"#,
        "",
    ),
    (410, "expired", "POST /api/v1/redemptions", r#"{"code": "<expired>", "user_id": "ann"}"#, ""),
    (410, "revoked", "POST /api/v1/redemptions", r#"{"code": "<revoked>", "user_id": "ann"}"#, ""),
    (
        412,
        "precondition_failed",
        "PATCH /api/v1/campaigns/<campaign>",
        r#"{"name": "n"}"#,
        "If-Match: \"9\"",
    ),
    (413, "body_too_large", "POST /api/v1/redemptions", "<huge>", ""),
    (415, "unsupported_media_type", "POST /api/v1/redemptions", WISH, "Content-Type: text/plain"),
    (
        422,
        "idempotency_key_reused",
        "POST /api/v1/redemptions",
        r#"{"code": "<used>", "user_id": "ben"}"#,
        "Idempotency-Key: order-1",
    ),
    (
        422,
        "not_yet_valid",
        "POST /api/v1/redemptions",
        r#"{"code": "<early>", "user_id": "ann"}"#,
        "",
    ),
    (
        422,
        "pattern_too_small",
        "POST /api/v1/campaigns/<tiny-campaign>/codes",
        r#"{"count": 17}"#,
        "",
    ),
    (
        429,
        "rate_limited",
        "POST /api/v1/validations",
        r#"{"code": "<fresh>"}"#,
        "Authorization: Bearer <public>",
    ),
];

/// A wish to redeem that nothing is wrong with.
const WISH: &str = r#"{"code": "<fresh>", "user_id": "ann"}"#;

/// Makes what [`REFUSED`] is about, and gives everything by its name.
fn stage(client: &mut Client) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    for (code_name, campaign_name, rules) in [
        ("<fresh>", "<campaign>", json!({})),
        ("<used>", "", json!({})),
        ("<revoked>", "", json!({})),
        ("<held>", "", json!({})),
        ("<gift>", "", json!({ "balance": { "currency": "EUR", "minor_units": 5 } })),
        ("<paused>", "<paused-campaign>", json!({})),
        ("<archived>", "<archived-campaign>", json!({})),
        ("<expired>", "", json!({ "expires_at": "2001-01-01T00:00:00Z" })),
        ("<early>", "", json!({ "starts_at": "2099-01-01T00:00:00Z" })),
    ] {
        let (campaign, codes) = campaign_with_codes(client, rules, 1);
        let act = |client: &mut Client, action: &str| {
            let path = format!("/api/v1/campaigns/{}/{action}", id(&campaign));
            assert_eq!(client.send(Request::new("POST", &path)).status, 200);
        };
        match code_name {
            "<used>" => assert_eq!(redeem_keyed(client, &codes[0], "ann", "order-1").status, 201),
            "<revoked>" => {
                let wish = json!({ "code": codes[0], "reason": "lost" });
                assert_eq!(client.post("/api/v1/codes/revoke", &wish).status, 200);
            }
            "<held>" => assert_eq!(hold(client, &codes[0]).status, 201),
            "<paused>" => act(client, "pause"),
            "<archived>" => act(client, "archive"),
            _ => {}
        }
        names.push((code_name, codes[0].clone()));
        names.push((campaign_name, id(&campaign)));
    }
    let (_, codes) = campaign_with_codes(client, json!({}), 2);
    let undone = id(&redeem(client, &codes[0], "ann").json());
    assert_eq!(roll_back(client, &undone).status, 200);
    let ended = id(&hold(client, &codes[1]).json());
    assert_eq!(redeem(client, &codes[1], "ann").status, 201);
    names.extend([("<undone>", undone), ("<ended>", ended)]);
    let limits = json!({ "uses_per_user": 1, "total_uses": 1 });
    let (_, codes) = campaign_with_codes(client, limits, 2);
    assert_eq!(redeem(client, &codes[0], "ann").status, 201);
    names.push(("<second>", codes[1].clone()));
    // 16,777,216 possible codes, one for each million of which may be issued.
    let pattern = json!({ "kind": "pattern", "pattern": "T########", "alphabet": "01234567" });
    names.push(("<tiny-campaign>", id(&campaign(client, json!({ "codes": pattern })))));
    names.push(("<public>", api_key(client, "public")));
    names.push(("<huge>", " ".repeat(4_096)));
    names.retain(|(name, _)| !name.is_empty());
    names
}

fn hold(client: &mut Client, code: &str) -> Answer {
    client.post("/api/v1/holds", &json!({ "code": code, "user_id": "ann" }))
}

fn roll_back(client: &mut Client, redemption: &str) -> Answer {
    let path = format!("/api/v1/redemptions/{redemption}/rollback");
    client.post(&path, &json!({ "reason": "returned" }))
}

/// `POST /api/v1/redemptions/red_…/rollback {"reason": "returned"}`, where no day may have passed.
fn a_late_rollback() -> Answer {
    let folder = Folder::new().set("redemptions.rollback_max_age_days", "0");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let redemption = id(&redeem(&mut client, &codes[0], "ann").json());
    // Its own millisecond is not too late.
    std::thread::sleep(std::time::Duration::from_millis(3));
    roll_back(&mut client, &redemption)
}

fn ask(server: &Server, line: &str, body: &str, header: &str) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::new(method, path);
    let has = |name: &str| header.starts_with(name);
    if let Some((name, value)) = header.split_once(": ") {
        request = request.header(name, value);
    }
    if !body.is_empty() {
        if !has("Content-Type") {
            request = request.header("Content-Type", "application/json");
        }
        request = request.body(body);
    }
    let key = (!has("Authorization")).then_some(ADMIN_KEY);
    Client::new(server.address, key).send(request)
}

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

/// The head of `POST /api/v1/redemptions` with a body of so many bytes.
fn head(length: usize) -> String {
    format!(
        "POST /api/v1/redemptions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// `POST /api/v1/redemptions`, with all of its body but the last byte.
fn a_body_that_never_comes() -> Answer {
    let folder = Folder::new().set("http.request_timeout_ms", "100");
    let server = folder.start();
    let body = r#"{"code": "NO-SUCH-CODE", "user_id": "ann""#;
    raw(server.address, format!("{}{body}", head(body.len() + 1)).as_bytes()).unwrap()
}

/// `POST /api/v1/redemptions {"code": "NO-SUCH-CODE", "user_id": "ann"}`, while the server is busy
/// with as many requests as it takes on.
fn more_than_is_taken_on() -> Answer {
    let folder = Folder::new().set("http.workers", "1").set("http.max_in_flight", "1");
    let server = folder.start();
    let mut held = TcpStream::connect(server.address).unwrap();
    held.write_all(head(1).as_bytes()).unwrap();
    let mut client = server.client();
    let mut refused = None;
    wait_until("the other request was taken on", || {
        let answer = redeem(&mut client, "NO-SUCH-CODE", "ann");
        let is_refused = answer.status == 503;
        refused = Some(answer);
        is_refused
    });
    drop(held);
    refused.unwrap()
}

/// `GET /api/v1/redemptions/red_…`, where the ledger's file no longer has what was written.
fn a_damaged_ledger() -> Answer {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let redemption = id(&redeem(&mut client, &codes[0], "ann").json());
    let path = format!("/api/v1/redemptions/{redemption}");
    let mut answer = client.get(&path);
    // Until the ledger has committed it, it is there in memory too.
    wait_until("the redemption is read from the file", || {
        damage(&folder.data().join("ledger/log"));
        answer = client.get(&path);
        answer.status != 200
    });
    answer
}

/// Writes over every file of a folder.
fn damage(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let length = usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(&vec![0xA5; length], 0).unwrap();
    }
}

/// `POST /api/v1/redemptions {"code": "…", "user_id": "ann"}`, where the disk has less space than
/// the server wants to leave free.
fn a_full_disk() -> Answer {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 1);
    assert!(server.terminate().success());
    let server = folder.set("journal.minimum_free_bytes", &(1_u64 << 50).to_string()).start();
    redeem(&mut server.client(), &codes[0], "ann")
}

/// `POST /api/v1/redemptions {"code": "…", "user_id": "ann"}`, where the disk takes no write any
/// more. The server ends after such a failure, so that its answer may be lost; then it is tried
/// again with another server.
fn a_failed_write() -> Answer {
    let mut answered = None;
    wait_until("a server answers before it ends", || {
        let folder = Folder::new();
        let server = folder.start_with(without_a_signal(&folder));
        let mut client = server.client();
        let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
        let nothing = Rlimit { current: Some(0), maximum: Some(0) };
        let pid = Pid::from_raw(server.pid().try_into().unwrap());
        prlimit(pid, Resource::Fsize, nothing).unwrap();
        let wish = json!({ "code": codes[0], "user_id": "ann" });
        answered = client.try_send(&Request::new("POST", "/api/v1/redemptions").json(&wish)).ok();
        answered.is_some()
    });
    answered.unwrap()
}

/// The command that starts a server whose writes beyond a limit fail, instead of a signal that ends
/// it.
fn without_a_signal(folder: &Folder) -> Command {
    let server = folder.command();
    let mut command = Command::new("/bin/sh");
    command.env_clear().args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    command.arg(server.get_program()).args(server.get_args());
    for (name, value) in server.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let log = File::options().create(true).append(true).open(folder.log()).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command
}
