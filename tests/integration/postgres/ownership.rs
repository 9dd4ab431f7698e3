//! A database belongs to one life of one data directory, and nobody else writes to it.

use serde_json::json;

use super::agreement::agree;
use super::arrival::{folder, redeem_many};
use crate::support::{Client, campaign_with_codes, redeem, shared_postgres, wait_until};

fn refusal(client: &mut Client) -> String {
    let mut note = String::new();
    wait_until("the database is refused", || {
        let part = client.get("/health").json()["parts"]["postgres"].clone();
        note = part["note"].as_str().unwrap_or_default().to_owned();
        part["finding"] == "postgres_refused"
    });
    note
}

#[test]
fn another_directory_is_refused() {
    let database = shared_postgres().database();
    let first = folder(&database.url());
    let server = first.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 10);
    redeem_many(&mut server.client(), &codes, "ada");
    assert_eq!(agree(&mut server.client(), &database), 10);

    let second = folder(&database.url());
    let other = second.start();
    let mut client = other.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    assert_eq!(redeem(&mut client, &codes[0], "bob").status, 201);
    let note = refusal(&mut client);
    assert!(note.contains("another data directory"), "{note}");
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.redemptions"), "10");
}

#[test]
fn a_copy_of_the_directory_that_went_its_own_way_is_refused() {
    let database = shared_postgres().database();
    let first = folder(&database.url());
    let server = first.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 20);
    redeem_many(&mut server.client(), &codes[..10], "ada");
    assert_eq!(agree(&mut server.client(), &database), 10);
    assert!(server.terminate().success());
    let copy = folder(&database.url());
    copy_folder(&first.data(), &copy.data());
    std::fs::copy(first.secret(), copy.secret()).unwrap();
    let server = first.start();
    redeem_many(&mut server.client(), &codes[10..], "ada");
    assert_eq!(agree(&mut server.client(), &database), 20);

    // It is behind what the database has seen, then it has as much, but not the same.
    let server = copy.start();
    let mut client = server.client();
    let note = refusal(&mut client);
    assert!(note.contains("this data directory"), "{note}");
    for _ in 0..3 {
        let (_, codes) = campaign_with_codes(&mut client, json!({}), 40);
        redeem_many(&mut client, &codes, "bob");
    }
    drop(server);
    let server = copy.start();
    let note = refusal(&mut server.client());
    assert!(note.contains("not what this data directory has"), "{note}");
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.redemptions"), "20");
}

#[test]
fn of_two_copies_that_write_at_the_same_time_one_is_refused_and_nothing_is_mixed() {
    let database = shared_postgres().database();
    let first = folder(&database.url());
    let server = first.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 1_000);
    assert_eq!(agree(&mut server.client(), &database), 0);
    wait_until("the codes are known there", || {
        database.count("SELECT count(*) FROM redeemd.audit WHERE event = 'codes_issued'") == 1
    });
    assert!(server.terminate().success());
    let second = folder(&database.url());
    copy_folder(&first.data(), &second.data());
    std::fs::copy(first.secret(), second.secret()).unwrap();

    let servers = [first.start(), second.start()];
    std::thread::scope(|scope| {
        for (server, user) in servers.iter().zip(["ada", "bob"]) {
            let codes = &codes;
            scope.spawn(move || {
                for codes in codes.chunks(100) {
                    redeem_many(&mut server.client(), codes, user);
                }
            });
        }
    });
    let finding = |server: &crate::support::Server| {
        let part = server.client().get("/health").json()["parts"]["postgres"].clone();
        part["finding"].as_str().unwrap_or("none").to_owned()
    };
    wait_until("one is refused, and the other one has written everything", || {
        let findings = [finding(&servers[0]), finding(&servers[1])];
        findings.iter().filter(|it| *it == "postgres_refused").count() == 1
            && findings.iter().filter(|it| *it == "none").count() == 1
            && database.count("SELECT count(*) FROM redeemd.redemptions") == 1_000
    });
    assert_eq!(database.ask("SELECT count(DISTINCT user_id) FROM redeemd.redemptions"), "1");
    let winner = servers.iter().find(|server| finding(server) == "none").unwrap();
    assert_eq!(agree(&mut winner.client(), &database), 1_000);
}

#[test]
fn a_database_that_is_elsewhere_than_a_running_server_believes_gets_nothing() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 40);
    redeem_many(&mut client, &codes[..20], "ada");
    assert_eq!(agree(&mut client, &database), 20);
    // As if another server had written.
    database.ask("UPDATE redeemd.watermarks SET chain = decode(repeat('00', 16), 'hex')");
    redeem_many(&mut client, &codes[20..], "ada");
    let note = refusal(&mut client);
    assert!(note.contains("not what this data directory has"), "{note}");
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.redemptions"), "20");
}

#[test]
fn a_database_that_went_back_to_its_own_backup_is_brought_up_again() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 30);
    redeem_many(&mut server.client(), &codes[..10], "ada");
    assert_eq!(agree(&mut server.client(), &database), 10);
    database.ask(
        "CREATE SCHEMA kept;
         CREATE TABLE kept.watermarks AS TABLE redeemd.watermarks;
         CREATE TABLE kept.outcomes AS TABLE redeemd.outcomes;
         CREATE TABLE kept.redemptions AS TABLE redeemd.redemptions",
    );
    redeem_many(&mut server.client(), &codes[10..], "ada");
    assert_eq!(agree(&mut server.client(), &database), 30);
    drop(server);
    database.ask(
        "BEGIN;
         DELETE FROM redeemd.redemptions;
         INSERT INTO redeemd.redemptions SELECT * FROM kept.redemptions;
         DELETE FROM redeemd.outcomes WHERE sequence > 0;
         INSERT INTO redeemd.outcomes SELECT * FROM kept.outcomes WHERE sequence > 0;
         UPDATE redeemd.watermarks w SET through = k.through, chain = k.chain
             FROM kept.watermarks k WHERE k.sequence = w.sequence AND w.sequence > 0;
         COMMIT",
    );
    let server = folder.start();
    assert_eq!(agree(&mut server.client(), &database), 30);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
