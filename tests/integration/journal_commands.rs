//! `redeemd journal …`: looking, salvaging, converting, as a person would do it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Answer, Folder, Server, campaign_with_codes, fails_to_start, redeem, redeem_keyed, run,
};

/// Every file under a folder, but the lock.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "lock" {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Redeems codes, one after the other.
fn redeem_all(server: &Server, codes: &[String]) -> Vec<Answer> {
    let mut client = server.client();
    codes.iter().map(|code| redeem_keyed(&mut client, code, "ada", "k")).collect()
}

/// Ends a server as a power cut would, once the ledger has everything. So there is no snapshot of the
/// end.
fn cut_the_power(server: Server) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let numbers = |page: &str, name: &str| -> Vec<String> {
        let lines = page.lines().filter_map(|line| line.strip_prefix(name));
        lines.map(str::to_owned).collect()
    };
    let is_behind = || {
        let page = server.client().get("/metrics").text().to_owned();
        numbers(&page, "redeemd_sequence_ledger_entry")
            != numbers(&page, "redeemd_sequence_applied_entries_total")
    };
    while is_behind() {
        assert!(Instant::now() < deadline, "the ledger stays behind");
        thread::sleep(Duration::from_millis(10));
    }
    server.kill();
}

/// Where the blocks of the first segment begin.
fn blocks(data: &Path) -> (PathBuf, Vec<usize>) {
    let path = data.join("journal/0000000001.segment");
    let bytes = fs::read(&path).unwrap();
    let begins = |place: &usize| bytes[*place..].starts_with(b"rdBLOCK1");
    let places = (0..bytes.len()).step_by(4096).filter(begins).collect();
    (path, places)
}

/// Flips a bit in a block.
fn damage(path: &Path, block: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[block + 100] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_whole_directory_is_said_to_be_whole_and_stays_as_it_is() {
    for engine in ["segment", "sled"] {
        let folder = Folder::new().set("journal.engine", engine);
        let server = folder.start();
        let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 40);
        redeem_all(&server, &codes);
        folder.run(&["journal", "verify"]).failed_with("in use by another process");
        assert!(server.terminate().success());

        let before = contents(folder.path());
        let told = folder.run(&["journal", "verify", "--json"]).json();
        assert_eq!((&told["healthy"], &told["engine"]), (&json!(true), &json!(engine)));
        assert_eq!((&told["problems"], &told["epoch"]), (&json!([]), &json!(0)));
        let sequences = told["sequences"].as_array().unwrap();
        assert_eq!(sequences.len(), 9);
        assert!(sequences.iter().all(|it| it["last"] == it["ledger"] && it["first"] == 1));
        let said = folder.run(&["journal", "verify"]).done().to_owned();
        assert!(said.contains("Everything reads and fits together."), "{said}");
        let said = folder.run(&["journal", "salvage"]).done().to_owned();
        assert!(said.contains("nothing is to be done"), "{said}");
        folder.run(&["journal", "dump"]).done();
        assert!(contents(folder.path()) == before, "looking changed something");
        // The same again, brought back by a server.
        let server = folder.start();
        assert!(server.terminate().success());
        let again = folder.run(&["journal", "verify", "--json"]).json();
        assert_eq!(again["healthy"], true);
    }
}

#[test]
fn where_there_is_no_directory_nothing_is_made() {
    let folder = Folder::new();
    for command in ["verify", "dump", "salvage"] {
        folder.run(&["journal", command]).failed_with("there is no data directory");
    }
    assert!(!folder.data().exists());
    assert_eq!(run(&["journal", "convert", "--to", "paper"]).code, 2);
    assert_eq!(run(&["journal"]).code, 2);
}

#[test]
fn damage_is_named_and_what_came_before_it_is_salvaged() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 60);
    let answers = redeem_all(&server, &codes[..50]);
    cut_the_power(server);
    let (path, places) = blocks(&folder.data());
    // Each of the last fifty redemptions had a block of its own, or nearly so.
    let place = places[places.len() - 20];
    damage(&path, place);
    let damaged = contents(folder.path());

    let verified = folder.run(&["journal", "verify", "--json"]);
    assert_eq!(verified.code, 1);
    let problem = verified.told()["problems"][0].to_string();
    let named = format!("journal/0000000001.segment at {place}");
    assert!(problem.contains(&named) && problem.contains("journal salvage"), "{problem}");
    let said = fails_to_start(folder.command());
    assert!(said.contains(&named) && said.contains("journal salvage"), "{said}");

    let list = folder.path().join("lost.ndjson");
    let planned = folder.run(&["journal", "salvage", "--json"]);
    assert_eq!(planned.code, 1);
    let plan = planned.told();
    assert_eq!((&plan["way"], &plan["done"]), (&json!("cut_off"), &json!(false)));
    assert!(plan["lost_outcomes"].as_u64().unwrap() >= 15, "{plan}");
    let said = folder.run(&["journal", "salvage"]).out;
    assert!(said.contains("--accept-loss") && said.contains("could be redeemed again"), "{said}");
    let journal = |files: &BTreeMap<PathBuf, Vec<u8>>| {
        let is_log = |path: &PathBuf| path.file_name().unwrap() == "log";
        files
            .iter()
            .filter(|(path, _)| !is_log(path))
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect::<Vec<_>>()
    };
    assert!(journal(&contents(folder.path())) == journal(&damaged), "nothing was changed");

    let lost = ["journal", "salvage", "--accept-loss", "--lost", list.to_str().unwrap()];
    let said = folder.run(&lost).done().to_owned();
    assert!(said.contains("kept aside: journal.damaged"), "{said}");
    let kept = fs::read(folder.data().join("journal.damaged/0000000001.segment")).unwrap();
    assert!(kept == damaged[&path], "what was taken away is kept");
    let verified = folder.run(&["journal", "verify", "--json"]).json();
    assert_eq!((&verified["healthy"], &verified["epoch"]), (&json!(true), &json!(1)));

    let lost: Vec<Value> = fs::read_to_string(&list)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lost.len() as u64, plan["lost_outcomes"].as_u64().unwrap());
    let server = folder.start();
    let mut client = server.client();
    for (code, first) in codes.iter().zip(&answers) {
        let id = first.json()["id"].clone();
        let is_lost = lost.iter().any(|outcome| outcome["id"] == id);
        let again = redeem_keyed(&mut client, code, "ada", "k");
        assert_eq!(again.status, 201);
        assert_eq!(again.header("idempotent-replayed").is_some(), !is_lost, "{id}");
    }
    assert_eq!(redeem(&mut client, &codes[55], "ada").status, 201);
    assert!(server.terminate().success());
    folder.run(&["journal", "verify"]).done();
}

#[test]
fn nothing_is_lost_where_snapshots_have_what_was_damaged() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 60);
    let answers = redeem_all(&server, &codes[..50]);
    // A server that is ended takes a snapshot of everything.
    assert!(server.terminate().success());
    let (path, places) = blocks(&folder.data());
    damage(&path, places[places.len() / 2]);

    let plan = folder.run(&["journal", "salvage", "--json"]).told();
    assert_eq!((&plan["way"], &plan["lost_outcomes"]), (&json!("leave_out"), &json!(0)));
    assert_eq!(plan["lost_entries"], json!([]));
    let said = folder.run(&["journal", "salvage", "--accept-loss"]).done().to_owned();
    assert!(said.contains("nothing was lost"), "{said}");
    let verified = folder.run(&["journal", "verify", "--json"]).json();
    assert_eq!((&verified["healthy"], &verified["epoch"]), (&json!(true), &json!(0)));
    let server = folder.start();
    let mut client = server.client();
    for (code, first) in codes.iter().zip(&answers) {
        assert_eq!(redeem_keyed(&mut client, code, "ada", "k").text(), first.text());
    }
    assert_eq!(redeem(&mut client, &codes[55], "ada").status, 201);
    assert!(server.terminate().success());
    folder.run(&["journal", "verify"]).done();
}

#[test]
fn a_journal_that_ends_too_early_is_salvaged_as_well() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 30);
    redeem_all(&server, &codes);
    cut_the_power(server);
    let (path, places) = blocks(&folder.data());
    damage(&path, places[places.len() - 1]);
    let said = fails_to_start(folder.command());
    assert!(said.contains("was durable before") && said.contains("journal salvage"), "{said}");
    assert_eq!(folder.run(&["journal", "verify"]).code, 1);
    folder.run(&["journal", "salvage", "--accept-loss"]).done();
    let server = folder.start();
    assert_eq!(redeem_keyed(&mut server.client(), &codes[0], "ada", "k").status, 201);
    assert!(server.terminate().success());
    let verified = folder.run(&["journal", "verify", "--json"]).json();
    assert_eq!((&verified["healthy"], &verified["epoch"]), (&json!(true), &json!(1)));
}

#[test]
fn a_journal_is_carried_over_to_another_engine_and_back() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 60);
    let mut answers = redeem_all(&server, &codes[..20]);
    folder.run(&["journal", "convert", "--to", "sled"]).failed_with("in use");
    assert!(server.terminate().success());
    folder.run(&["journal", "convert", "--to", "segment"]).failed_with("by segment already");
    for (to, more) in [("sled", 20..40), ("segment", 40..60)] {
        let before = folder.run(&["journal", "verify", "--json"]).json();
        let said = folder.run(&["journal", "convert", "--to", to]).done().to_owned();
        assert!(said.contains(&format!("journal.engine = \"{to}\"")), "{said}");
        let after = folder.run(&["journal", "verify", "--json"]).json();
        assert_eq!((&after["engine"], &after["sequences"]), (&json!(to), &before["sequences"]));
        for name in ["journal.new", "journal.old", "journal.exchange"] {
            assert!(!folder.data().join(name).exists(), "{name} is left");
        }
        let server = folder.start();
        let mut client = server.client();
        for (code, first) in codes.iter().zip(&answers) {
            assert_eq!(redeem_keyed(&mut client, code, "ada", "k").text(), first.text());
        }
        answers.extend(redeem_all(&server, &codes[more]));
        assert!(server.terminate().success());
    }
}

#[test]
fn entries_are_shown_without_what_is_secret_or_personal() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({"name": "Tea"}), 30);
    let body = json!({"code": codes[0], "user_id": "ann@example.org", "metadata": {"order": 7}});
    server.client().post("/api/v1/redemptions", &body);
    assert!(server.terminate().success());

    let said = folder.run(&["journal", "dump"]).done().to_owned();
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let commands = |name: &str| lines.iter().filter(|line| line["command"] == name).count();
    assert_eq!((commands("make_campaign"), commands("issue"), commands("redeem")), (1, 1, 1));
    let redeemed = lines.iter().find(|line| line["command"] == "redeem").unwrap();
    assert!(redeemed["code"]["serial"].is_u64() && redeemed["at"].is_string(), "{redeemed}");
    assert!(!said.contains("ann@example.org") && !said.contains("\"order\""), "{said}");
    assert!(!said.contains("enciphered") && !said.contains("digest"), "{said}");
    assert!(!said.contains(codes[0].as_str()));

    let all = folder.run(&["journal", "dump", "--with-users"]).done().to_owned();
    assert!(all.contains("ann@example.org") && all.contains("\"order\":7"), "{all}");
    let control =
        folder.run(&["journal", "dump", "--sequence", "control", "--from", "2", "--limit", "2"]);
    let control = control.done().to_owned();
    let numbers: Vec<Value> = control
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .inspect(|line| assert_eq!(line["sequence"], "control"))
        .map(|line| line["number"].clone())
        .collect();
    assert_eq!(numbers, [json!(2), json!(3)]);
    let shard = redeemed["sequence"].as_str().unwrap();
    let one = folder.run(&["journal", "dump", "--sequence", shard, "--to", "1"]).done().to_owned();
    assert_eq!(one.lines().count(), 1);
}
