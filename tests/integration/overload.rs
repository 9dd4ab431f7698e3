//! More than a thread takes on: it is refused at once, and nothing else suffers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{ADMIN_KEY, Answer, Client, Folder, Server, campaign_with_codes, raw, redeem};

/// Begins to redeem a code and keeps the body back, so that the request was taken on and is not
/// answered.
fn begin_to_redeem(server: &Server, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(head("", length).as_bytes()).unwrap();
    stream
}

fn head(more: &str, length: usize) -> String {
    format!(
        "POST /api/v1/redemptions{more} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {ADMIN_KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// Asks until the answer is another one than it would be if there were room.
fn ask_until_refused(client: &mut Client) -> Answer {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = client.post("/api/v1/validations", &json!({ "code": "NO-SUCH-CODE" }));
        if answer.status != 200 {
            return answer;
        }
        assert!(Instant::now() < deadline, "nothing is refused");
    }
}

#[test]
fn what_is_beyond_the_bound_is_refused_and_the_rest_goes_on() {
    let folder = Folder::new().set("http.workers", "1").set("http.max_in_flight", "1");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2);
    let body = json!({ "code": codes[0], "user_id": "ann" }).to_string();
    let mut held = begin_to_redeem(&server, body.len());

    let refused = ask_until_refused(&mut client);
    refused.is_problem(503, "overloaded");
    assert_ne!(refused.header("connection"), Some("close"), "a short body ends no connection");
    redeem(&mut client, &codes[1], "ben").is_problem(503, "overloaded");
    // Nobody waits for a long body of a request that is refused.
    let refused = raw(server.address, head("/batch", 1 << 20).as_bytes()).unwrap();
    refused.is_problem(503, "overloaded");
    assert_eq!(refused.header("connection"), Some("close"));
    for path in ["/health/live", "/health/ready", "/health", "/metrics"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }

    held.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    held.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(redeem(&mut client, &codes[1], "ben").status, 201, "what was refused was not done");
}

#[test]
fn a_client_that_hangs_up_leaves_its_room() {
    let folder = Folder::new().set("http.workers", "1").set("http.max_in_flight", "1");
    let server = folder.start();
    let mut client = server.client();
    let held = begin_to_redeem(&server, 100);
    ask_until_refused(&mut client);
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(60);
    while client.post("/api/v1/validations", &json!({ "code": "NO-SUCH-CODE" })).status != 200 {
        assert!(Instant::now() < deadline, "there is no room again");
    }
}
