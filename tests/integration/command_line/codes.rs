//! `redeemd codes`

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc;

use serde_json::{Value, json};

use super::proxy::cutting_once;
use super::run;
use crate::support::{Folder, Server, campaign, id};

/// A server with a campaign.
fn stage(folder: &Folder) -> (Server, String) {
    let server = folder.start();
    let campaign = id(&campaign(&mut server.client(), json!({})));
    (server, campaign)
}

fn counts(server: &Server, campaign: &str) -> Value {
    server.client().get(&format!("/api/v1/campaigns/{campaign}")).json()["counts"].clone()
}

fn codes_in(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    assert_eq!(lines.next().as_deref(), Some("code"));
    lines.collect()
}

/// The names in a folder that begin like this.
fn names(folder: &Folder, begin: &str) -> Vec<String> {
    let names = fs::read_dir(folder.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(begin)).collect()
}

#[test]
fn codes_are_issued_into_a_file_and_had_again() {
    let folder = Folder::new();
    let (server, campaign) = stage(&folder);
    let run = |arguments: &[&str]| run(server.address, arguments);
    let [file, other] = ["codes.csv", "other.csv"].map(|name| folder.path().join(name));
    let [path, other_path] = [&file, &other].map(|path| path.to_str().unwrap());

    let issued = run(&["codes", "issue", &campaign, "--count", "5000", "--output", path]);
    assert!(issued.done().contains("issued 5,000 codes"), "{issued:?}");
    let codes = codes_in(&file);
    assert_eq!(codes.len(), 5000);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    run(&["codes", "export", &campaign, "--output", other_path]).done();
    assert_eq!(codes_in(&other), codes);
    let some = ["--first-index", "4998", "--count", "2", "--output", "-"];
    let some = run(&[&["codes", "export", &campaign][..], &some].concat());
    assert_eq!(some.done(), format!("code\n{}\n{}\n", codes[4998], codes[4999]));
    let states = run(&["codes", "export", &campaign, "--format", "ndjson", "--output", "-"]);
    let first: Value = serde_json::from_str(states.done().lines().next().unwrap()).unwrap();
    assert_eq!((&first["code"], &first["state"]), (&codes[0].as_str().into(), &"issued".into()));
    run(&["codes", "export", &campaign, "--count", "5001", "--output", "-"])
        .failed(1, "validation_failed: ");

    let to_output = run(&["codes", "issue", &campaign, "--count", "2", "--output", "-", "--json"]);
    assert_eq!(to_output.done().lines().count(), 3);
    let result: Value = serde_json::from_str(&to_output.err).unwrap();
    assert_eq!((&result["first_index"], &result["count"]), (&5000.into(), &2.into()));
    assert_eq!(counts(&server, &campaign)["issued"], 5002);
}

#[test]
fn a_file_that_cannot_be_had_costs_no_codes() {
    let folder = Folder::new();
    let (server, campaign) = stage(&folder);
    let run = |arguments: &[&str]| run(server.address, arguments);
    let file = folder.path().join("codes.csv");
    let issue = ["codes", "issue", &campaign, "--count", "10", "--output", file.to_str().unwrap()];
    fs::write(&file, "precious").unwrap();
    run(&issue).failed(1, "exists already");
    run(&["codes", "issue", &campaign, "--count", "10", "--output", "/not/there/codes.csv"])
        .failed(1, "cannot write /not/there/codes.csv");
    run(&["codes", "issue", &campaign, "--count", "1", "--output", "/dev/null", "--force"])
        .failed(1, "is no regular file");
    assert_eq!(run(&["codes", "issue", &campaign, "--count", "0", "--output", "-"]).code, 2);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert_eq!(counts(&server, &campaign)["issued"], 0);

    run(&[
        "codes",
        "issue",
        "camp_none",
        "--count",
        "10",
        "--output",
        file.to_str().unwrap(),
        "--force",
    ])
    .failed(1, "not_found: ");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    run(&[&issue[..], &["--force"]].concat()).done();
    assert_eq!(codes_in(&file).len(), 10);
    assert_eq!(names(&folder, "codes"), ["codes.csv"]);
}

#[test]
fn a_batch_with_a_key_is_issued_once() {
    let folder = Folder::new();
    let (server, campaign) = stage(&folder);
    let issue =
        ["codes", "issue", &campaign, "--count", "7", "--idempotency-key", "may", "--output"];
    let first = run(server.address, &[&issue[..], &["-"]].concat());
    let again = run(server.address, &[&issue[..], &["-"]].concat());
    assert_eq!(first.done(), again.done());
    assert!(again.err.contains("had issued before"), "{again:?}");
    assert_eq!(counts(&server, &campaign)["issued"], 7);
}

/// Where an answer of 20,000 codes is cut off, in bytes.
const HALF_WAY: usize = 300_000;

#[test]
fn a_broken_connection_is_made_again_and_no_batch_is_issued_twice() {
    let folder = Folder::new();
    let (server, campaign) = stage(&folder);
    for format in ["csv", "ndjson"] {
        let address = server.address;
        let proxy = cutting_once(address, HALF_WAY, Box::new(move || address));
        let issue = ["codes", "issue", &campaign, "--count", "20000", "--format", format];
        let issued = run(proxy, &[&issue[..], &["--output", "-"]].concat());
        assert!(issued.err.contains("asking again"), "{:?}", issued.err);
        let first = if format == "csv" { "0" } else { "20000" };
        let export = ["codes", "export", &campaign, "--first-index", first, "--output", "-"];
        let expected = run(address, &export);
        let codes = |text: &str| -> Vec<String> {
            text.lines()
                .map(|line| line.trim_matches(|c: char| "{}\"codes:".contains(c)).to_owned())
                .collect()
        };
        let (mut issued, expected) = (codes(issued.done()), codes(expected.done()));
        if format == "ndjson" {
            // The other has a title.
            issued.insert(0, String::new());
        }
        assert_eq!(issued, expected);
    }
    assert_eq!(counts(&server, &campaign)["issued"], 40_000);
}

#[test]
fn a_server_killed_half_way_through_an_export_leaves_no_file() {
    let folder = Folder::new();
    let (server, campaign) = stage(&folder);
    run(server.address, &["codes", "issue", &campaign, "--count", "20000", "--output", "-"]).done();
    let file = folder.path().join("codes.csv");
    let (address, path) = (server.address, file.to_str().unwrap());
    let proxy = cutting_once(address, HALF_WAY, kill(server, address));
    let export = ["codes", "export", &campaign, "--output", path, "--timeout", "1"];
    run(proxy, &export).failed(1, "redeemd: ");
    assert_eq!(names(&folder, "codes"), Vec::<String>::new());
}

#[test]
fn a_server_that_comes_back_gives_the_rest() {
    let folder = Folder::new();
    let (server, campaign) = stage(&folder);
    let file = folder.path().join("codes.csv");
    let (restarted, server_again) = mpsc::channel();
    let address = server.address;
    let proxy = std::thread::scope(|scope| {
        let (cut, was_cut) = mpsc::channel::<mpsc::Sender<SocketAddr>>();
        let proxy = cutting_once(
            address,
            HALF_WAY,
            Box::new(move || {
                server.kill();
                let (answer, address) = mpsc::channel();
                cut.send(answer).unwrap();
                address.recv().unwrap()
            }),
        );
        let folder = &folder;
        scope.spawn(move || {
            let answer = was_cut.recv().unwrap();
            let server = folder.start();
            answer.send(server.address).unwrap();
            restarted.send(server).unwrap();
        });
        let issue = ["codes", "issue", &campaign, "--count", "20000"];
        run(proxy, &[&issue[..], &["--output", file.to_str().unwrap()]].concat()).done();
        proxy
    });
    let server = server_again.recv().unwrap();
    let codes = codes_in(&file);
    assert_eq!((codes.len(), &counts(&server, &campaign)["issued"]), (20_000, &20_000.into()));
    let exported = run(proxy, &["codes", "export", &campaign, "--output", "-"]);
    assert_eq!(exported.done().lines().skip(1).collect::<Vec<_>>(), codes);
}

fn kill(server: Server, address: SocketAddr) -> Box<dyn FnOnce() -> SocketAddr + Send> {
    Box::new(move || {
        server.kill();
        address
    })
}
