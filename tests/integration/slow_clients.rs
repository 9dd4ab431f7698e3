//! Clients that are slow, or never finish what they begin, cost little and keep nobody waiting.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::support::{
    ADMIN_KEY, Client, Folder, Request, campaign, campaign_with_codes, id, metric, redeem,
    wait_until,
};

const HALF_A_HEAD: &str = "POST /api/v1/redemptions HTTP/1.1\r\nHost: x\r\nContent-Type: appl";

fn open(address: SocketAddr, begin: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(begin.as_bytes()).unwrap();
    stream
}

/// Reads until the server ends the connection, which it has to.
fn read_to_end(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8(text).unwrap(),
    }
}

#[test]
fn hundreds_of_half_open_requests_keep_nobody_waiting_and_end() {
    let folder = Folder::new().set("http.request_timeout_ms", "1500");
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 40);
    let body = format!(
        "POST /api/v1/redemptions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {ADMIN_KEY}\r\nContent-Length: 100\r\n\r\n{{\"code\":"
    );
    let begins = ["", HALF_A_HEAD, body.as_str()];
    let half_open: Vec<TcpStream> =
        (0..300).map(|place| open(server.address, begins[place % begins.len()])).collect();
    for code in &codes {
        assert_eq!(redeem(&mut server.client(), code, "ada").status, 201);
    }
    for (place, stream) in half_open.into_iter().enumerate() {
        let said = read_to_end(stream);
        if place % begins.len() == 2 {
            assert!(said.contains("request_timeout"), "{said}");
        } else {
            assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
        }
    }
    let mut client = server.client();
    wait_until("they are gone", || metric(&mut client, "redeemd_http_connections") <= 1.0);
    // Those whose heads never came; a body that does not come is answered.
    assert_eq!(metric(&mut client, "redeemd_http_connections_timed_out_total"), 200.0);
}

#[test]
fn a_later_head_that_never_ends_is_cut_off_too() {
    let folder =
        Folder::new().set("http.keep_alive_seconds", "1").set("http.request_timeout_ms", "100");
    let server = folder.start();
    let mut stream = open(server.address, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut answer = [0; 4_096];
    let length = stream.read(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200") && answer[..length].ends_with(b"}"));
    stream.write_all(HALF_A_HEAD.as_bytes()).unwrap();
    assert_eq!(read_to_end(stream), "");
    let mut client = server.client();
    assert_eq!(metric(&mut client, "redeemd_http_connections_timed_out_total"), 1.0);
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_loses_it() {
    let folder = Folder::new().set("http.stall_timeout_ms", "1000");
    let server = folder.start();
    let campaign = campaign(&mut server.client(), json!({}));
    let body = "{\"count\":2000000}";
    let stream = open(
        server.address,
        &format!(
            "POST /api/v1/campaigns/{}/codes HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\
             Content-Type: application/json\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            id(&campaign),
            body.len(),
        ),
    );
    let mut client = Client::new(server.address, None);
    wait_until("the answer is under way", || {
        metric(&mut client, "redeemd_http_requests_in_flight") >= 2.0
    });
    wait_until("it was given up", || metric(&mut client, "redeemd_http_requests_in_flight") <= 1.0);
    drop(stream);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let folder = Folder::new();
    let server = folder.start();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let count = 500;
    let mut writer = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        for number in 0..count {
            let last = if number + 1 == count { "Connection: close\r\n" } else { "" };
            let request = format!(
                "GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-Id: number-{number}\r\n{last}\r\n"
            );
            writer.write_all(request.as_bytes()).unwrap();
        }
    });
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    sender.join().unwrap();
    let numbers = answers.lines().filter_map(|line| line.strip_prefix("x-request-id: number-"));
    let numbers: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>());
}

#[test]
fn connections_beyond_the_bound_wait_for_a_place() {
    let folder = Folder::new()
        .set("http.max_connections", "2")
        .set("http.workers", "1")
        .set("http.operations_listen", "127.0.0.1:0");
    let server = folder.start();
    let mut operations = Client::new(server.operations_address(), None);
    let first = open(server.address, "");
    let second = open(server.address, "");
    wait_until("both are there", || metric(&mut operations, "redeemd_http_connections") == 2.0);
    let address = server.address;
    let third = std::thread::spawn(move || {
        Client::new(address, None).send(Request::new("GET", "/api/v1/x")).status
    });
    assert_eq!(operations.get("/health/live").status, 200, "health is asked elsewhere");
    assert!(!third.is_finished());
    drop(first);
    assert_eq!(third.join().unwrap(), 404);
    drop(second);
}
