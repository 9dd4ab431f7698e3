//! Everything that clients can send and should not: a problem document each, and no change.

use serde_json::{Value, json};

use crate::support::{ADMIN_KEY, Client, Folder, Request, campaign_with_codes, id, raw, redeem};

fn send(client: &mut Client, body: &[u8], content_type: &str) -> crate::support::Answer {
    let request = Request::new("POST", "/api/v1/redemptions").header("Content-Type", content_type);
    client.send(request.body(body))
}

#[test]
fn bodies_that_are_not_accepted_change_nothing() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let code = codes[0].as_str();
    let json_type = "application/json";

    for body in
        ["", "{", "[", "{\"code\":", "{'code':1}", "nonsense", "{\"a\":1}{\"a\":1}", "\u{feff}{}"]
    {
        send(&mut client, body.as_bytes(), json_type).is_problem(400, "malformed_json");
    }
    send(&mut client, b"{\"code\":\"\xff\"}", json_type).is_problem(400, "malformed_json");
    for body in ["[]", "null", "\"text\"", "7"] {
        send(&mut client, body.as_bytes(), json_type).is_invalid_at("");
    }
    let good = json!({"code": code, "user_id": "ada"});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, pointer) in [
        (json!({}), "/code"),
        (json!({"code": code}), "/user_id"),
        (with("code", json!("")), "/code"),
        (with("code", json!("x".repeat(65))), "/code"),
        (with("code", json!("A\u{0}B")), "/code"),
        (with("code", json!("A\nB")), "/code"),
        (with("code", json!(7)), "/code"),
        (with("code", json!(null)), "/code"),
        (with("code", json!([code])), "/code"),
        (with("user_id", json!("")), "/user_id"),
        (with("user_id", json!("x".repeat(129))), "/user_id"),
        (with("user_id", json!("a\tb")), "/user_id"),
        (with("user_id", json!({"id": 1})), "/user_id"),
        (with("metadata", json!([])), "/metadata"),
        (with("metadata", json!("text")), "/metadata"),
        (with("metadata", json!({"a": "x".repeat(4096)})), "/metadata"),
        (with("metadata", json!({"a": "\u{0}"})), "/metadata"),
        (with("user", json!("ada")), "/user"),
        (with("a/b~c", json!(1)), "/a~1b~0c"),
    ] {
        client.post("/api/v1/redemptions", &body).is_invalid_at(pointer);
    }
    let twice = format!(r#"{{"code":"{code}","user_id":"ada","user_id":"bob"}}"#);
    send(&mut client, twice.as_bytes(), json_type).is_invalid_at("/user_id");
    let deep = format!(
        r#"{{"code":"{code}","user_id":"ada","metadata":{{"a":{}{}}}}}"#,
        "[".repeat(1000),
        "]".repeat(1000)
    );
    send(&mut client, deep.as_bytes(), json_type).is_invalid_at("/metadata");

    let body = good.to_string();
    for content_type in
        ["text/plain", "application/xml", "application/json; charset=latin1", "multipart/form-data"]
    {
        send(&mut client, body.as_bytes(), content_type).is_problem(415, "unsupported_media_type");
    }
    client
        .send(Request::new("POST", "/api/v1/redemptions").body(body.clone()))
        .is_problem(415, "unsupported_media_type");
    let encoded = Request::new("POST", "/api/v1/redemptions")
        .header("Content-Type", json_type)
        .header("Accept", "text/html")
        .body(body.clone());
    client.send(encoded).is_problem(406, "not_acceptable");

    let read = client.get(&format!("/api/v1/campaigns/{}", id(&campaign))).json();
    assert_eq!(read["counts"]["redeemed"], 0);
    let good = send(&mut client, body.as_bytes(), "application/json; charset=UTF-8");
    assert_eq!(good.status, 201);
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let folder = Folder::new().set("http.body_limit_bytes", "1024");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let padded = |length: usize| {
        let body = format!(r#"{{"code":"{}","user_id":"ada"}}"#, codes[0]);
        format!("{body:length$}")
    };
    send(&mut client, padded(1025).as_bytes(), "application/json")
        .is_problem(413, "body_too_large");
    let head = format!(
        "POST /api/v1/redemptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunked = |length: usize| {
        let body = padded(length);
        format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
    };
    let answer = raw(server.address, chunked(1025).as_bytes()).unwrap();
    answer.is_problem(413, "body_too_large");
    assert_eq!(raw(server.address, chunked(1024).as_bytes()).unwrap().status, 201);
}

#[test]
fn half_sent_requests_end_in_time_and_change_nothing() {
    let folder = Folder::new().set("http.request_timeout_ms", "300");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let body = json!({"code": codes[0], "user_id": "ada"}).to_string();
    let head = format!(
        "POST /api/v1/redemptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    for kept in [0, 1, body.len() - 1] {
        let answer = raw(server.address, format!("{head}{}", &body[..kept]).as_bytes()).unwrap();
        answer.is_problem(408, "request_timeout");
    }
    // The framework answers those whose head is incomplete or no HTTP, with a status alone.
    let answer = raw(server.address, &head.as_bytes()[..60]).unwrap();
    assert_eq!(answer.status, 408);
    let answer = raw(server.address, b"\x16\x03\x01 nonsense\r\n\r\n").unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(redeem(&mut client, &codes[0], "ada").status, 201);
}

#[test]
fn campaigns_that_are_not_accepted_are_not_made() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let good = json!({"name": "n", "codes": {"kind": "sealed"}});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, pointer) in [
        (json!({"codes": {"kind": "sealed"}}), "/name"),
        (json!({"name": "n"}), "/codes"),
        (with("name", json!("x".repeat(201))), "/name"),
        (with("name", json!("a\u{7f}")), "/name"),
        (with("codes", json!("sealed")), "/codes"),
        (with("codes", json!({})), "/codes/kind"),
        (with("codes", json!({"kind": "listed"})), "/codes/kind"),
        (with("codes", json!({"kind": "imported", "pattern": "A-########"})), "/codes/pattern"),
        (with("codes", json!({"kind": "pattern", "pattern": "A-?"})), "/codes/pattern"),
        (with("codes", json!({"kind": "sealed", "length": 8})), "/codes/length"),
        (with("uses_per_code", json!(0)), "/uses_per_code"),
        (with("uses_per_code", json!(4_294_967_296_u64)), "/uses_per_code"),
        (with("starts_at", json!("soon")), "/starts_at"),
        (with("starts_at", json!("1969-12-31T00:00:00Z")), "/starts_at"),
        (with("expires_at", json!(1_700_000_000)), "/expires_at"),
        (with("reward", json!(10)), "/reward"),
        (with("use_per_code", json!(1)), "/use_per_code"),
    ] {
        client.post("/api/v1/campaigns", &body).is_invalid_at(pointer);
    }
    let mut window = with("starts_at", json!("2030-01-01T00:00:00Z"));
    window["expires_at"] = window["starts_at"].clone();
    client.post("/api/v1/campaigns", &window).is_invalid_at("/expires_at");
    assert_eq!(client.get("/api/v1/campaigns").json()["data"], json!([]));
}

#[test]
fn what_is_no_http_does_not_fill_the_log() {
    let folder = Folder::new();
    let mut command = folder.command();
    command.env_remove("REDEEMD_LOG");
    let server = folder.start_with(command);
    for nonsense in [&b"\x16\x03\x01 nonsense\r\n\r\n"[..], b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n"] {
        assert_eq!(raw(server.address, nonsense).unwrap().status, 400);
    }
    server.terminate();
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(log.contains(" INFO ") && !log.contains("actix_http"), "{log}");
}

#[test]
fn a_body_in_a_content_encoding_is_refused_as_such() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let request = |encoding: &str| {
        Request::new("POST", "/api/v1/validations")
            .header("Content-Type", "application/json")
            .header("Content-Encoding", encoding)
            .body("{\"code\":\"x\"}")
    };
    client.send(request("gzip")).is_problem(415, "unsupported_media_type");
    assert_eq!(client.send(request("identity")).status, 200);
}
