//! A restart under load without a failed request: the listening socket stays open while the process
//! changes, as systemd's socket activation does it, so that clients wait in its queue.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;

use crate::support::{ADMIN_KEY, Answer, Client, Folder, Request, Server, campaign_with_codes};

/// Clients that open a connection for every request, and clients that keep theirs.
const CLIENTS: usize = 4;
const RESTARTS: usize = 3;
const CODES: usize = 40_000;

/// Starts a server that is given a socket as descriptor 3.
fn start(folder: &Folder, listener: &TcpListener) -> Server {
    let plain = folder.command();
    let mut command = Command::new("sh");
    command
        .env_clear()
        .arg("-c")
        .arg("exec 3<&0 </dev/null; LISTEN_PID=$$; export LISTEN_PID; exec \"$0\" \"$@\"");
    command.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let log = std::fs::File::options().append(true).open(folder.log()).unwrap();
    command
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDNAMES", "http")
        .stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())))
        .stdout(Stdio::piped())
        .stderr(log);
    folder.start_with(command)
}

fn wish(code: &str) -> Request {
    let request = Request::new("POST", "/api/v1/redemptions").header("Idempotency-Key", "k");
    request.json(&json!({ "code": code, "user_id": "ada" }))
}

/// As every client of HTTP does it: a request on a kept connection that turns out to have ended is
/// sent again on a new one.
fn ask_again(client: &mut Client, request: &Request, is_fresh: bool) -> std::io::Result<Answer> {
    match client.try_send(request) {
        Err(_) if !is_fresh => client.try_send(request),
        result => result,
    }
}

#[test]
fn a_restart_under_load_fails_no_request() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = start(&folder, &listener);
    assert_eq!(server.address, address);
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), CODES);

    let is_over = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    let server = std::thread::scope(|scope| {
        for (place, codes) in codes.chunks(CODES / (2 * CLIENTS)).enumerate() {
            let (is_over, answered) = (&is_over, &answered);
            let keeps = place % 2 == 0;
            scope.spawn(move || load(address, codes, keeps, is_over, answered));
        }
        for _ in 0..RESTARTS {
            let goal = answered.load(Ordering::Relaxed) + 200;
            crate::support::wait_until("requests are answered", || {
                answered.load(Ordering::Relaxed) >= goal
            });
            assert!(server.terminate().success());
            server = start(&folder, &listener);
        }
        is_over.store(true, Ordering::Relaxed);
        // It has to outlive the requests that are still under way.
        server
    });
    assert!(answered.load(Ordering::Relaxed) >= 200 * RESTARTS as u64);
    assert!(server.terminate().success());
}

fn load(
    address: SocketAddr,
    codes: &[String],
    keeps: bool,
    is_over: &AtomicBool,
    answered: &AtomicU64,
) {
    let mut kept = None;
    for code in codes {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let is_fresh = kept.is_none();
        let mut client = kept.take().unwrap_or_else(|| Client::new(address, Some(ADMIN_KEY)));
        let answer = ask_again(&mut client, &wish(code), is_fresh);
        let answer = answer.unwrap_or_else(|error| panic!("no answer (kept: {keeps}): {error}"));
        assert_eq!(answer.status, 201, "{answer:?}");
        answered.fetch_add(1, Ordering::Relaxed);
        if keeps {
            kept = Some(client);
        }
    }
}

#[test]
fn a_descriptor_that_is_no_listening_socket_is_refused() {
    let folder = Folder::new();
    let file = std::fs::File::create(folder.path().join("file")).unwrap();
    let plain = folder.command();
    let mut command = Command::new("sh");
    command.env_clear().arg("-c").arg("exec 3<&0; LISTEN_PID=$$ exec \"$0\" \"$@\"");
    command.arg(plain.get_program()).args(plain.get_args());
    command.env("LISTEN_FDS", "1").stdin(Stdio::from(file)).stdout(Stdio::null());
    let said = crate::support::fails_to_start(command);
    assert!(said.contains("fd 3"), "{said}");
}
