//! `redeemd verify`: a running server and its database, compared.

use std::fs;

use serde_json::{Value, json};

use super::arrival::{folder, redeem_many};
use crate::support::{
    ADMIN_KEY, Ended, Folder, Server, campaign_with_codes, id, redeem, shared_postgres, wait_until,
};

/// Compares a server with its database.
pub(super) fn verify(folder: &Folder, server: &Server, more: &[&str]) -> Ended {
    let key_file = folder.path().join("admin.key");
    fs::write(&key_file, ADMIN_KEY).unwrap();
    let (url, key_file) = (format!("http://{}", server.address), key_file.display().to_string());
    let arguments =
        ["verify", "--against-postgres", "--server", url.as_str(), "--key-file", key_file.as_str()];
    folder.run(&[&arguments, more].concat())
}

/// The lines that a verification wrote, and its summary.
pub(super) fn lines(ended: &Ended) -> (Vec<Value>, Value) {
    let lines = ended.out.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<Value> = lines.collect();
    let summary = lines.pop().unwrap_or_else(|| panic!("{}", ended.err));
    (lines, summary)
}

/// Waits until everything that was answered is in the database, and insists that both say the same.
pub(super) fn settle(folder: &Folder, server: &Server) {
    wait_until("everything is in the database", || {
        let ended = verify(folder, server, &["--json"]);
        // There are no tables before the projector has made them.
        if ended.out.is_empty() {
            return false;
        }
        let (differences, summary) = lines(&ended);
        assert!(differences.is_empty(), "{differences:?}");
        summary["pending"] == 0 && summary["counts_pending"] == 0
    });
}

#[test]
fn every_difference_is_told() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({ "uses_per_code": 2 }), 50);
    redeem_many(&mut client, &codes[..40], "ada");
    let balance = json!({ "balance": { "currency": "EUR", "minor_units": 1_000 } });
    let (_, gifts) = campaign_with_codes(&mut client, balance, 2);
    let spent = redeem(&mut client, &gifts[0], "bob").json();
    let path = format!("/api/v1/redemptions/{}/rollback", id(&spent));
    assert_eq!(client.post(&path, &json!({ "reason": "all" })).status, 200);
    let hold = json!({ "code": codes[45], "user_id": "ada" });
    let hold = client.post("/api/v1/holds", &hold).json();
    let confirm = format!("/api/v1/holds/{}/confirm", id(&hold));
    assert_eq!(client.post(&confirm, &json!({})).status, 201);
    settle(&folder, &server);
    let ended = verify(&folder, &server, &[]);
    let said = ended.done();
    assert!(said.contains("0 differences, 0 not copied yet"), "{said}");

    for (change, differences, words) in [
        ("UPDATE redeemd.redemptions SET user_id = 'eve' WHERE hold_entry IS NOT NULL", 1, "eve"),
        (
            // Twice, since neither the row names the rollback nor the rollback finds itself named,
            // and the count of the campaign besides.
            "UPDATE redeemd.redemptions SET rolled_back_at = NULL, rolled_back_entry = NULL",
            3,
            "rolled_back_entry=null",
        ),
        ("DELETE FROM redeemd.movements WHERE kind = 'returned'", 1, "kind=returned"),
        ("UPDATE redeemd.holds SET ended = 'released'", 1, "ended=confirmed"),
        ("DELETE FROM redeemd.holds", 1, "redeemd.holds hold_"),
        (
            "INSERT INTO redeemd.redemptions (id, redeemed_at, campaign, user_id, code, code_hint,
                 revision, generation, api_key, sequence, entry)
             SELECT 'red_0', redeemed_at, campaign, 'mallory', code, code_hint, revision,
                 generation, api_key, sequence, entry FROM redeemd.redemptions LIMIT 1",
            2,
            "mallory",
        ),
    ] {
        database.ask(
            "DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept;
             CREATE TABLE kept.redemptions AS TABLE redeemd.redemptions;
             CREATE TABLE kept.holds AS TABLE redeemd.holds;
             CREATE TABLE kept.movements AS TABLE redeemd.movements",
        );
        database.ask(change);
        let ended = verify(&folder, &server, &["--json"]);
        assert_eq!(ended.code, 1, "{change}: {}{}", ended.out, ended.err);
        let (found, summary) = lines(&ended);
        assert_eq!(found.len(), differences, "{change}: {found:#?}");
        assert_eq!(summary["differences"], differences);
        assert!(found.iter().any(|line| line.to_string().contains(words)), "{change}: {found:#?}");
        database.ask(
            "BEGIN; DELETE FROM redeemd.redemptions; DELETE FROM redeemd.holds;
             DELETE FROM redeemd.movements;
             INSERT INTO redeemd.redemptions SELECT * FROM kept.redemptions;
             INSERT INTO redeemd.holds SELECT * FROM kept.holds;
             INSERT INTO redeemd.movements SELECT * FROM kept.movements; COMMIT",
        );
    }
    verify(&folder, &server, &[]).done();
}

#[test]
fn what_is_not_copied_yet_is_pending_and_no_difference() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 20);
    redeem_many(&mut server.client(), &codes[..10], "ada");
    settle(&folder, &server);
    // Whoever writes has to wait for this lock; whoever reads has not.
    let locked = std::thread::scope(|scope| {
        let lock = "BEGIN; LOCK TABLE redeemd.outcomes IN SHARE MODE; SELECT pg_sleep(600); COMMIT";
        let locker = scope.spawn(|| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                database.ask_as("locker", lock);
            }))
        });
        let of_locker = "SELECT count(*) FROM pg_stat_activity
             WHERE application_name = 'locker' AND wait_event = 'PgSleep'";
        wait_until("the table is locked", || database.count(of_locker) == 1);
        redeem_many(&mut server.client(), &codes[10..], "ada");
        let ended = verify(&folder, &server, &["--json"]);
        ended.done();
        database.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'locker'",
        );
        let _ = locker.join();
        ended
    });
    let (differences, summary) = lines(&locked);
    assert_eq!((differences.len(), &summary["pending"]), (0, &json!(10)));
    settle(&folder, &server);
}
