//! Servers that are busy, broken or set up in another way, and what they answer.

use std::fs::File;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use super::refused::roll_back;
use crate::support::{
    ADMIN_KEY, Answer, Folder, Request, campaign_with_codes, id, raw, redeem, wait_until,
};

/// `POST /api/v1/redemptions/red_…/rollback {"reason": "returned"}`, where no day may have passed.
pub(super) fn a_late_rollback() -> Answer {
    let folder = Folder::new().set("redemptions.rollback_max_age_days", "0");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let redemption = id(&redeem(&mut client, &codes[0], "ann").json());
    // Its own millisecond is not too late.
    std::thread::sleep(std::time::Duration::from_millis(3));
    roll_back(&mut client, &redemption)
}

/// The head of `POST /api/v1/redemptions` with a body of so many bytes.
fn head(length: usize) -> String {
    format!(
        "POST /api/v1/redemptions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// `POST /api/v1/redemptions`, with all of its body but the last byte.
pub(super) fn a_body_that_never_comes() -> Answer {
    let folder = Folder::new().set("http.request_timeout_ms", "100");
    let server = folder.start();
    let body = r#"{"code": "NO-SUCH-CODE", "user_id": "ann""#;
    raw(server.address, format!("{}{body}", head(body.len() + 1)).as_bytes()).unwrap()
}

/// `POST /api/v1/redemptions {"code": "NO-SUCH-CODE", "user_id": "ann"}`, while the server is busy
/// with as many requests as it takes on.
pub(super) fn more_than_is_taken_on() -> Answer {
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
pub(super) fn a_damaged_ledger() -> Answer {
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
pub(super) fn a_full_disk() -> Answer {
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
pub(super) fn a_failed_write() -> Answer {
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
