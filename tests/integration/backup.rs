//! Backups: of a running server under load and of a stopped one, restored elsewhere and compared.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use redeemd_domain::control::Control;
use redeemd_domain::entry;
use redeemd_domain::machine::Machine;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::Shard;
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::data_directory::DataDirectory;
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::journal::{self, Engine, Frame, Options};
use serde_json::{Value, json};

use crate::support::{
    ADMIN_KEY, Answer, Client, Ended, Folder, Request, Server, campaign, campaign_with_codes,
    command, issue, redeem, redeem_keyed,
};

/// Takes a backup of a running server.
fn back_up(server: &Server, output: &Path) -> Ended {
    let url = format!("http://{}", server.address);
    let mut command = command(&["backup", "--server", &url, "--output"]);
    Ended::of(command.arg(output).env("REDEEMD_API_KEY", ADMIN_KEY).output().unwrap())
}

fn restore(folder: &Folder, backup: &Path, more: &[&str]) -> Ended {
    let arguments = [&["restore", "--input", backup.to_str().unwrap()], more].concat();
    folder.run(&arguments)
}

/// A folder with a restored data directory, and with the secret in its place.
fn restored(original: &Folder, backup: &Path, more: &[&str]) -> (Folder, Value) {
    let folder = Folder::new();
    let told = restore(&folder, backup, &[more, &["--json"]].concat()).json();
    fs::copy(original.secret(), folder.secret()).unwrap();
    (folder, told)
}

/// The state of a sequence at one of its entries, replayed from the journal of a stopped server.
fn state_at<M: Machine>(data: &Path, sequence: SequenceId, mut machine: M, last: u64) -> String {
    let directory = DataDirectory::open_existing(data).unwrap().identity().id;
    let options = Options {
        minimum_free_bytes: 0,
        reserve_bytes: 0,
        ..Options::new(directory, Engine::segment())
    };
    let disk = std::sync::Arc::new(RealDisk::read_only(data));
    let mut apply = |frame: Frame<'_>| {
        if frame.sequence == sequence {
            entry::decode(frame.payload, frame.first, frame.count, |entry| {
                if entry.number <= last {
                    machine.apply(entry);
                }
            })
            .unwrap();
        }
        Ok(())
    };
    journal::inspect(disk, &options, &[], &mut apply).unwrap();
    assert_eq!(machine.last(), last, "{sequence}");
    machine.digest().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_replayed(client: &mut Client, code: &str, first: &Answer) {
    let again = redeem_keyed(client, code, "ada", "k");
    assert_eq!((again.status, again.text()), (201, first.text()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[test]
fn everything_answered_before_a_backup_under_load_is_in_it() {
    let original = Folder::new();
    let server = original.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({"reward": {"v": 1}}), 6_000);
    let (before, load) = codes.split_at(400);
    let answers: Vec<Answer> =
        before.iter().map(|code| redeem_keyed(&mut client, code, "ada", "k")).collect();

    let (backup, ended) = (original.path().join("backup.tar"), AtomicBool::new(false));
    let redeemed: usize = thread::scope(|scope| {
        let threads: Vec<_> = load
            .chunks(load.len() / 4)
            .map(|codes| {
                let (server, ended) = (&server, &ended);
                scope.spawn(move || {
                    let mut client = server.client();
                    let under_way = codes.iter().take_while(|_| !ended.load(Ordering::Relaxed));
                    let answered = under_way.map(|code| redeem(&mut client, code, "bob").status);
                    answered.inspect(|&status| assert_eq!(status, 201)).count()
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(50));
        let said = back_up(&server, &backup).done().to_owned();
        assert!(said.contains("every checksum compared") && said.contains("secret"), "{said}");
        ended.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(redeemed > 0, "there was load");
    assert!(server.terminate().success());
    assert!(!original.path().join("backup.tar.part").exists());

    let (folder, told) = restored(&original, &backup, &[]);
    assert_eq!((&told["epoch"], &told["engine"]), (&json!(1), &json!("segment")));
    let layout = ShardLayout::new(8).unwrap();
    for sequence in told["sequences"].as_array().unwrap() {
        let (name, last) = (sequence["sequence"].as_str().unwrap(), sequence["last"].as_u64());
        let last = last.unwrap();
        let data = original.data();
        let state = match name.strip_prefix("shard-") {
            None => state_at(&data, SequenceId::CONTROL, Control::new(), last),
            Some(shard) => {
                let shard = shard.parse().unwrap();
                state_at(&data, SequenceId::shard(shard), Shard::new(layout, shard), last)
            }
        };
        assert_eq!(sequence["state"], state, "{name} at entry {last}");
    }
    let server = folder.start();
    let mut client = server.client();
    for (code, first) in before.iter().zip(&answers) {
        is_replayed(&mut client, code, first);
        redeem(&mut client, code, "eve").is_problem(409, "already_redeemed");
    }
    assert!(server.terminate().success());
    assert_eq!(folder.run(&["journal", "verify", "--json"]).json()["epoch"], 1);
}

#[test]
fn a_stopped_server_is_backed_up_and_restored_into_another_engine() {
    for (from, to) in [("segment", "sled"), ("sled", "segment")] {
        let original = Folder::new().set("journal.engine", from);
        let server = original.start();
        let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 30);
        let first = redeem_keyed(&mut server.client(), &codes[0], "ada", "k");
        let backup = original.path().join("backup.tar");
        let path = backup.to_str().unwrap();
        original.run(&["backup", "--output", path]).failed_with("in use by another process");
        assert!(!backup.exists());
        let online = original.path().join("online.tar");
        back_up(&server, &online).done();
        assert!(server.terminate().success());
        let told = original.run(&["backup", "--output", path, "--json"]).json();
        assert_eq!(told["bytes"], fs::metadata(&backup).unwrap().len());
        original.run(&["backup", "--output", path]).failed_with("exists already");
        original.run(&["backup", "--output", path, "--force"]).done();

        for backup in [&backup, &online] {
            let (folder, told) = restored(&original, backup, &["--engine", to]);
            assert_eq!(told["engine"], to);
            let server = folder.start();
            is_replayed(&mut server.client(), &codes[0], &first);
            assert_eq!(redeem(&mut server.client(), &codes[1], "ada").status, 201);
            assert!(server.terminate().success());
            folder.run(&["journal", "verify"]).done();
        }
    }
}

#[test]
fn what_is_not_genuine_is_refused_and_leaves_nothing() {
    let original = Folder::new();
    let server = original.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 20);
    for code in &codes {
        redeem(&mut server.client(), code, "ada");
    }
    let backup = original.path().join("backup.tar");
    back_up(&server, &backup).done();
    drop(server);
    let genuine = fs::read(&backup).unwrap();
    let folder = Folder::new();
    let refused = |bytes: &[u8], words: &str| {
        let path = folder.path().join("wrong.tar");
        fs::write(&path, bytes).unwrap();
        restore(&folder, &path, &[]).failed_with(words);
        assert!(!folder.data().exists() && !folder.path().join("data.part").exists());
    };
    for end in [0, 300, genuine.len() / 2, genuine.len() - 1] {
        refused(&genuine[..end], "cut off at byte");
    }
    for place in [600, genuine.len() / 3, genuine.len() / 2, genuine.len() - 1500] {
        let mut changed = genuine.clone();
        changed[place] ^= 4;
        refused(&changed, "backup");
    }
    refused(&b"a picture of a holiday ".repeat(100), "no backup of redeemd");

    fs::create_dir(folder.data()).unwrap();
    fs::write(folder.data().join("holiday.jpg"), "").unwrap();
    restore(&folder, &backup, &[]).failed_with("is not empty");
    assert_eq!(fs::read_dir(folder.data()).unwrap().count(), 1);
    fs::remove_file(folder.data().join("holiday.jpg")).unwrap();
    fs::create_dir(folder.path().join("data.part")).unwrap();
    restore(&folder, &backup, &[]).failed_with("in the way");
    fs::write(folder.path().join("data.part/restoring"), "").unwrap();
    restore(&folder, &backup, &[]).done();

    let server = folder.command();
    let said = crate::support::fails_to_start(server);
    assert!(said.contains("secret file") && said.contains("missing"), "{said}");
}

#[test]
fn only_an_admin_may_take_a_backup() {
    let folder = Folder::new();
    let server = folder.start();
    let path = "/api/v1/backup";
    Client::new(server.address, None).get(path).is_problem(401, "unauthenticated");
    let request = Request::new("GET", path).header("Accept", "application/json");
    server.client().send(request).is_problem(406, "not_acceptable");
    server.client().send(Request::new("POST", path)).is_problem(405, "method_not_allowed");
    let url = format!("http://{}", server.address);
    let output = folder.path().join("backup.tar");
    let mut command = command(&["backup", "--server", &url, "--output"]);
    let command = command.arg(&output).env("REDEEMD_API_KEY", "rk_of-nobody");
    Ended::of(command.output().unwrap()).failed_with("unauthenticated");
    assert!(!output.exists() && !folder.path().join("backup.tar.part").exists());
}

/// A metric of the server.
fn metric(server: &Server, name: &str) -> String {
    let page = server.client().get("/metrics").text().to_owned();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}")).to_owned()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_taker_that_goes_away_ends_its_backup() {
    let folder = Folder::new();
    let server = folder.start();
    let campaign = campaign(&mut server.client(), json!({ "uses_per_code": null }));
    let code = issue(&mut server.client(), &campaign, 1).remove(0);
    // More than fits between a server and a client that takes nothing.
    let note = "x".repeat(3_900);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = server.client();
                for _ in 0..500 {
                    let body = json!({"code": code, "user_id": "ada", "metadata": {"note": note}});
                    assert_eq!(client.post("/api/v1/redemptions", &body).status, 201);
                }
            });
        }
    });
    let mut taker = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "GET /api/v1/backup HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\r\n"
    );
    taker.write_all(head.as_bytes()).unwrap();
    let mut buffer = [0; 1024];
    taker.read_exact(&mut buffer).unwrap();
    assert!(buffer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&buffer));
    assert_eq!(metric(&server, "redeemd_backup_running"), "1");
    server.client().get("/api/v1/backup").is_problem(503, "overloaded");
    drop(taker);
    until("the backup ends", || metric(&server, "redeemd_backup_running") == "0");
    let backup = folder.path().join("backup.tar");
    back_up(&server, &backup).done();
    assert!(fs::metadata(&backup).unwrap().len() > 16 << 20);
}

#[test]
fn a_backup_that_breaks_off_leaves_no_file() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
            .unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("backup.tar");
    let mut command = command(&["backup", "--server", &url, "--output"]);
    let command = command.arg(&output).env("REDEEMD_API_KEY", ADMIN_KEY);
    Ended::of(command.output().unwrap()).failed_with("cut off");
    server.join().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
