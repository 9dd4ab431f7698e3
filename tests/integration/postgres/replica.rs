//! `redeemd verify` asks a streaming replica, says how far it is behind, and falls back to the primary.

use serde_json::{Value, json};

use super::arrival::{folder, redeem_many};
use super::verify::{lines, settle, verify};
use crate::support::{Postgres, campaign_with_codes, wait_until};

#[test]
fn a_replica_is_asked_and_what_it_has_not_yet_is_no_difference() {
    let primary = Postgres::start();
    let url = primary.database().url();
    let database = primary.existing(&url);
    let folder = folder(&url);
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 60);
    redeem_many(&mut client, &codes[..20], "ada");
    settle(&folder, &server);
    let mut replica = primary.replica();
    let there = replica.url(database.name());
    let setting = format!("postgres.replica_url={there}");
    let ask = |more: &[&str]| verify(&folder, &server, &[&["--set", &setting], more].concat());

    wait_until("everything is on the replica", || {
        let ended = ask(&["--json"]);
        let (differences, summary) = lines(&ended);
        assert!(differences.is_empty() && !summary["replica"].is_null(), "{ended:?}");
        // A replica that was made with everything in it has carried out nothing at first.
        let has_begun = !summary["replica"]["lag_seconds"].is_null();
        has_begun && summary["pending"] == 0 && summary["counts_pending"] == 0
    });
    let ended = ask(&[]);
    let said = ended.done();
    assert!(said.contains("the replica is asked: its primary committed what it has "), "{said}");
    assert!(said.contains("0 entries behind") && ended.err.is_empty(), "{ended:?}");

    // What the primary has and the replica does not yet.
    let copy = replica.existing(&there);
    copy.ask("SELECT pg_wal_replay_pause()");
    wait_until("it is paused", || copy.ask("SELECT pg_get_wal_replay_pause_state()") == "paused");
    redeem_many(&mut client, &codes[20..40], "ada");
    settle(&folder, &server);
    let ended = ask(&["--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let (differences, summary) = lines(&ended);
    assert_eq!((differences.len(), &summary["pending"]), (0, &json!(20)));
    assert_eq!(summary["replica"]["not_there_yet"], 20);
    assert!(summary["replica"]["entries_behind"].as_u64() >= Some(20), "{summary}");
    assert!(summary["replica"]["lag_seconds"].as_f64() > Some(0.0), "{summary}");
    let said = ask(&[]).done().to_owned();
    assert!(said.contains("20 events are in the primary and not on the replica yet"), "{said}");
    let (_, summary) = lines(&ask(&["--json", "--primary"]));
    assert_eq!((&summary["pending"], &summary["replica"]), (&json!(0), &Value::Null));

    // A difference is found there, too.
    copy.ask("SELECT pg_wal_replay_resume()");
    database.ask(
        "UPDATE redeemd.redemptions SET user_id = 'eve' WHERE code_hint IS NOT NULL
         AND id = (SELECT min(id) FROM redeemd.redemptions)",
    );
    wait_until("it is on the replica", || {
        copy.count("SELECT count(*) FROM redeemd.redemptions WHERE user_id = 'eve'") == 1
    });
    let ended = ask(&["--json"]);
    let (differences, _) = lines(&ended);
    assert_eq!((ended.code, differences.len()), (1, 1), "{ended:?}");
    database.ask("UPDATE redeemd.redemptions SET user_id = 'ada'");

    // One that is away is not asked, and neither is one that follows nobody.
    let says_so = |ended: crate::support::Ended, reason: &str| {
        let said = ended.done();
        assert!(said.contains("0 differences") && !said.contains("the replica is asked"), "{said}");
        let line = "the primary is asked instead of the replica: ";
        assert!(ended.err.contains(line) && ended.err.contains(reason), "{ended:?}");
    };
    replica.kill();
    says_so(ask(&[]), "it cannot be asked");
    let itself = format!("postgres.replica_url={url}");
    says_so(verify(&folder, &server, &["--set", &itself]), "it follows no other server");
    let nonsense = "postgres.replica_url=postgres://";
    let ended = verify(&folder, &server, &["--set", nonsense]);
    assert!(ended.code == 1 && ended.err.contains("postgres.replica_url"), "{ended:?}");
}
