//! How the server starts and ends, as those see it who run it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::{Client, Folder, campaign_with_codes, metric, redeem, wait_until};

#[test]
fn the_phases_of_the_start_are_shown() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    for phase in ["directory", "ledger", "snapshots", "journal", "outcomes", "actors"] {
        let name = format!("redeemd_startup_phase_seconds{{phase=\"{phase}\"}}");
        assert!(metric(&mut client, &name) < 60.0);
    }
    assert_eq!(metric(&mut client, "redeemd_stage{stage=\"serving\"}"), 1.0);
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(log.contains("journal") && log.contains("ready"), "{log}");
}

#[test]
fn health_can_be_asked_while_the_server_starts() {
    let folder = Folder::new().set("http.operations_listen", "127.0.0.1:0");
    // A secret that nobody writes yet holds up the start for as long as this test likes.
    mknodat(CWD, folder.secret(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut child = folder.command().spawn().unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    let address: SocketAddr =
        line.trim().strip_prefix("operations http://").unwrap().parse().unwrap();
    let mut client = Client::new(address, None);
    assert_eq!(client.get("/health/live").status, 200);
    let ready = client.get("/health/ready");
    assert_eq!((ready.status, ready.json()), (503, json!({ "status": "starting" })));
    let health = client.get("/health");
    assert_eq!(health.status, 503);
    assert_eq!(health.json()["parts"]["server"]["finding"], "starting");
    assert!(client.get("/metrics").text().contains("redeemd_stage{stage=\"starting\"} 1"));

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success(), "told to end, and nothing was lost");
}

#[test]
fn it_says_that_it_is_not_ready_before_it_stops() {
    let folder = Folder::new().set("http.shutdown_delay_seconds", "3");
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 1);
    let mut client = server.client();
    server.signal(Signal::TERM);
    wait_until("it says so", || client.get("/health/ready").status == 503);
    assert_eq!(client.get("/health/ready").json(), json!({ "status": "ending" }));
    assert_eq!(redeem(&mut client, &codes[0], "ada").status, 201, "it still serves");
    assert_eq!(redeem(&mut server.client(), &codes[0], "ada").status, 409, "and accepts");
    assert!(server.end().success());
}

/// A request whose body does not come, so that it stays open.
fn half_a_request(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "POST /api/v1/redemptions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Authorization: Bearer rk_the-admin-key-of-all-tests-0123456789abc\r\n\
                Content-Length: 10\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new().set("http.shutdown_grace_seconds", "600");
    let server = folder.start();
    let mut client = server.client();
    let open = half_a_request(server.address);
    wait_until("the request is there", || {
        metric(&mut client, "redeemd_http_requests_in_flight") == 2.0
    });
    server.signal(Signal::TERM);
    wait_until("it was heard", || {
        std::fs::read_to_string(folder.log()).unwrap().contains("told to end")
    });
    // One that follows in a moment is the same wish again, as `timeout` sends it.
    let log = || std::fs::read_to_string(folder.log()).unwrap();
    wait_until("it was heard again", || {
        if log().contains("told again") {
            return true;
        }
        server.signal(Signal::INT);
        false
    });
    assert_eq!(server.end().code(), Some(1));
    drop(open);
    assert!(folder.start().terminate().success());
}

#[test]
fn what_is_open_is_answered_within_the_grace() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let mut open = half_a_request(server.address);
    wait_until("the request is there", || {
        metric(&mut client, "redeemd_http_requests_in_flight") == 2.0
    });
    server.signal(Signal::TERM);
    wait_until("it was heard", || {
        std::fs::read_to_string(folder.log()).unwrap().contains("nothing more is accepted")
    });
    open.write_all(b"        }").unwrap();
    open.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    assert!(server.end().success());
}

#[test]
fn the_command_tells_whether_a_server_is_ready() {
    let folder = Folder::new();
    let server = folder.start();
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redeemd"));
        command.env_clear().arg("health").args(arguments).stdin(Stdio::null());
        command.output().unwrap()
    };
    let url = format!("http://{}", server.address);
    let ready = ask(&["--server", &url]);
    assert!(ready.status.success());
    assert_eq!(String::from_utf8(ready.stdout).unwrap(), "{\"status\":\"ready\"}\n");
    let own = ask(&["--listen", &server.address.to_string(), "--json"]);
    assert!(own.status.success());
    let parts: serde_json::Value = serde_json::from_slice(&own.stdout).unwrap();
    assert_eq!(parts["parts"]["server"]["status"], "healthy");
    assert!(server.terminate().success());
    let gone = ask(&["--server", &url]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8(gone.stderr).unwrap().contains(&url["http://".len()..]));
    assert_eq!(ask(&["--server", "ftp://x"]).status.code(), Some(2));
}
