//! `/health`, `/metrics`, and what every answer has in common.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use crate::support::{Client, Folder, Request, campaign_with_codes, redeem, wait_until};

#[test]
fn health_and_metrics_need_no_key() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = Client::new(server.address, None);
    assert_eq!(client.get("/health/live").json(), json!({"status": "live"}));
    assert_eq!(client.get("/health/ready").json(), json!({"status": "ready"}));
    let health = client.get("/health").json();
    assert_eq!(health["status"], "healthy", "{health}");
    for part in [
        "server",
        "journal",
        "disk",
        "memory",
        "clock",
        "shards",
        "ledger",
        "snapshots",
        "configuration",
    ] {
        assert_eq!(health["parts"][part]["status"], "healthy", "{health}");
        let checks = health["parts"][part]["checks"].as_object().unwrap();
        assert!(!checks.is_empty(), "{health}");
        for check in checks.values() {
            assert!(check["value"].is_u64() && check["unit"].is_string(), "{health}");
        }
    }
    assert!(health["timestamp"].as_str().unwrap().ends_with('Z'), "{health}");
    assert!(health["parts"]["memory"]["checks"]["resident"]["value"].as_u64() > Some(1 << 20));
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 1);
    redeem(&mut server.client(), &codes[0], "ada");
    redeem(&mut server.client(), &codes[0], "ada");
    let page = client.get("/metrics");
    assert!(page.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    for line in [
        "redeemd_http_requests_total{route=\"/api/v1/redemptions\",status=\"2xx\"} 1",
        "redeemd_http_requests_total{route=\"/api/v1/redemptions\",status=\"4xx\"} 1",
        "redeemd_http_request_duration_seconds_count{route=\"/api/v1/redemptions\"} 2",
        "redeemd_disk_full 0",
        "redeemd_ready 1",
        "redeemd_health{part=\"journal\"} 0",
        "redeemd_redemptions_total{outcome=\"done\"} 1",
        "redeemd_redemptions_total{outcome=\"already_redeemed\"} 1",
        "redeemd_http_problems_total{code=\"already_redeemed\",route=\"/api/v1/redemptions\"} 1",
    ] {
        assert!(page.text().lines().any(|known| known == line), "{line}\n{}", page.text());
    }
}

#[test]
fn operations_can_have_an_address_of_their_own() {
    let folder = Folder::new().set("http.operations_listen", "127.0.0.1:0");
    let server = folder.start();
    let mut client = Client::new(server.address, None);
    client.get("/metrics").is_problem(404, "not_found");
    client.get("/health").is_problem(404, "not_found");
    client.get("/api/v1/campaigns").is_problem(401, "unauthenticated");
    let operations = server.operations_address();
    let mut client = Client::undescribed(operations, None);
    assert_eq!(client.get("/health/ready").status, 200);
    assert!(client.get("/metrics").text().contains("redeemd_ready 1"));
    client.get("/api/v1/campaigns").is_problem(404, "not_found");
}

/// As load balancers and monitors ask that want no body.
#[test]
fn health_and_metrics_are_asked_with_head_too() {
    let folder = Folder::new();
    let server = folder.start();
    for path in ["/health/live", "/health/ready", "/health", "/metrics"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
}

#[test]
fn what_is_not_there_is_a_problem_too() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    for path in ["/", "/api/v1", "/api/v1/redemption", "/api/v1/campaigns/a/b/c", "/bench/baseline"]
    {
        client.get(path).is_problem(404, "not_found");
    }
    for (method, path, allow) in [
        ("PUT", "/api/v1/redemptions", "GET, POST"),
        ("GET", "/api/v1/redemptions/batch", "POST"),
        ("DELETE", "/api/v1/campaigns/x", "GET, PATCH"),
        ("PUT", "/api/v1/campaigns", "GET, POST"),
        ("POST", "/health", "GET, HEAD"),
        ("BREW", "/api/v1/validations", "POST"),
    ] {
        let answer = client.send(Request::new(method, path));
        answer.is_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow));
    }
}

#[test]
fn requests_have_identifiers() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let named = client.send(Request::new("GET", "/api/v1/x").header("X-Request-Id", "trace/1:a"));
    assert_eq!(named.header("x-request-id"), Some("trace/1:a"));
    let insane = client.send(Request::new("GET", "/health").header("X-Request-Id", "<script>"));
    let made = insane.header("x-request-id").unwrap().to_owned();
    assert!(made.len() == 16 && made != client.get("/health").header("x-request-id").unwrap());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    client.send(Request::new("GET", "/health/live").header("traceparent", &parent));
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(log.contains(trace));
    assert!(log.contains("trace/1:a") && log.contains(&made) && !log.contains("<script>"));
}

#[test]
fn only_known_keys_are_let_in() {
    let folder = Folder::new();
    let server = folder.start();
    let routes = [
        ("POST", "/api/v1/redemptions"),
        ("GET", "/api/v1/redemptions/red_0000000000000000000000"),
        ("POST", "/api/v1/validations"),
        ("POST", "/api/v1/campaigns"),
        ("GET", "/api/v1/campaigns"),
        ("GET", "/api/v1/campaigns/camp_0000000000000000"),
        ("PATCH", "/api/v1/campaigns/camp_0000000000000000"),
        ("POST", "/api/v1/campaigns/camp_0000000000000000/codes"),
        ("GET", "/api/v1/campaigns/camp_0000000000000000/codes"),
        ("POST", "/api/v1/campaigns/camp_0000000000000000/pause"),
        ("POST", "/api/v1/campaigns/camp_0000000000000000/resume"),
        ("POST", "/api/v1/campaigns/camp_0000000000000000/archive"),
    ];
    for (method, path) in routes {
        for header in [None, Some("Bearer rk_wrong"), Some("Bearer"), Some("Basic YWRtaW46eA==")] {
            let mut client = Client::new(server.address, None);
            let mut request = Request::new(method, path);
            if let Some(header) = header {
                request = request.header("Authorization", header);
            }
            let answer = client.send(request);
            answer.is_problem(401, "unauthenticated");
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
        }
    }
}

#[test]
fn a_data_directory_that_is_gone_is_no_full_disk_and_may_come_back() {
    let folder =
        Folder::new().set("journal.minimum_free_bytes", "1").set("journal.reserve_bytes", "0");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2);
    assert_eq!(redeem(&mut client, &codes[0], "ada").status, 201);
    let elsewhere = folder.path().join("elsewhere");
    std::fs::rename(folder.data(), &elsewhere).unwrap();
    let refused = redeem(&mut client, &codes[1], "ada");
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("read_only")));
    let health = client.get("/health");
    assert_eq!(health.status, 503);
    let disk = &health.json()["parts"]["disk"];
    assert_eq!(disk["finding"], "disk_failed", "{disk}");
    assert!(disk["note"].as_str().unwrap().contains("No such file"), "{disk}");
    assert_eq!(client.get("/health/ready").status, 200, "answers are given again");

    std::fs::rename(&elsewhere, folder.data()).unwrap();
    wait_until("it goes on", || redeem(&mut client, &codes[1], "ada").status == 201);
    wait_until("it is well", || client.get("/health").status == 200);
    assert!(server.terminate().success());
}
