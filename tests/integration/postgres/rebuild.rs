//! A data directory that was lost, rebuilt from the database: everything is as it was.

use std::fs;

use serde_json::{Value, json};

use super::agreement::agree;
use super::arrival::{folder, redeem_many};
use super::verify::settle;
use crate::support::{
    Client, Database, Ended, Folder, Request, api_key, campaign, campaign_with_codes, id, redeem,
    redeem_keyed, shared_postgres, wait_until,
};

fn post(client: &mut Client, path: &str, body: &Value) -> Value {
    let answer = client.post(&format!("/api/v1{path}"), body);
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.json()
}

fn rebuild(folder: &Folder, more: &[&str]) -> Ended {
    folder.run(&[&["rebuild", "--from-postgres"], more].concat())
}

/// The time that a rebuild names up to which everything is known.
fn known_until(folder: &Folder) -> String {
    let refused = rebuild(folder, &[]);
    refused.failed_with("nothing was made");
    assert!(!folder.data().exists(), "a rebuild that is refused makes nothing");
    let words: Vec<&str> = refused.err.split_whitespace().collect();
    words[words.iter().position(|word| *word == "--accept-loss-after").unwrap() + 1].to_owned()
}

/// Rebuilds what was lost, accepting what a rebuild says may be lost.
pub(super) fn rebuilt(folder: &Folder) -> Value {
    let until = known_until(folder);
    rebuild(folder, &["--accept-loss-after", &until, "--json"]).json()
}

/// As if half an hour had gone by since the server was killed.
pub(super) fn forget_presence(database: &Database<'_>) {
    database.ask("UPDATE redeemd.presence SET seen_at = seen_at - interval '30 minutes'");
}

/// Everything that clients can read, but for positions.
fn everything(client: &mut Client, codes: &[String]) -> Vec<Value> {
    let mut found = Vec::new();
    for path in ["/campaigns?limit=1000", "/redemptions?limit=1000", "/api-keys?limit=1000"] {
        found.push(client.get(&format!("/api/v1{path}")).json()["data"].clone());
    }
    // What left no record is not counted again, so positions may be others.
    for campaign in found[0].as_array_mut().unwrap() {
        campaign["counts"].as_object_mut().unwrap().remove("as_of");
    }
    for campaign in found[0].as_array().unwrap().clone() {
        let campaign = client.get(&format!("/api/v1/campaigns/{}", id(&campaign))).json();
        let mut counts = campaign["counts"].clone();
        counts.as_object_mut().unwrap().remove("as_of");
        found.push(counts);
    }
    for code in codes {
        found.push(client.post("/api/v1/codes/lookup", &json!({ "code": code })).json());
    }
    let mut after = String::new();
    loop {
        let page = client.get(&format!("/api/v1/events?limit=1000{after}")).json();
        let next = format!("&after={}", page["next_cursor"].as_str().unwrap());
        if next == after {
            return found;
        }
        // What left no record moves positions, and brings no event.
        if !page["data"].as_array().unwrap().is_empty() {
            found.push(page["data"].clone());
        }
        after = next;
    }
}

#[test]
fn everything_comes_back_as_it_was() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (plain, codes) = campaign_with_codes(&mut client, json!({ "reward": { "v": 1 } }), 60);
    redeem_many(&mut client, &codes[..30], "ada");
    let first = redeem_keyed(&mut client, &codes[40], "bob", "k");
    let path = format!("/api/v1/campaigns/{}", id(&plain));
    let etag = client.get(&path).header("etag").unwrap().to_owned();
    let change = Request::new("PATCH", &path).header("If-Match", &etag);
    let change = change.json(&json!({ "reward": { "v": 2 }, "uses_per_code": 2 }));
    assert_eq!(client.send(change).status, 200);
    redeem(&mut client, &codes[1], "cyd");
    let undone = redeem(&mut client, &codes[41], "cyd").json();
    let path = format!("/redemptions/{}/rollback", id(&undone));
    post(&mut client, &path, &json!({ "reason": "returned goods" }));
    post(&mut client, "/codes/revoke", &json!({ "code": codes[42], "reason": "stolen" }));

    let limits = json!({ "total_uses": 5, "uses_per_user": 2 });
    let (_, limited) = campaign_with_codes(&mut client, limits, 20);
    for (code, user) in [(0, "ada"), (1, "ada"), (2, "bob")] {
        assert_eq!(redeem(&mut client, &limited[code], user).status, 201);
    }
    let hold = |client: &mut Client, code: &str, seconds: u32| {
        let body = json!({ "code": code, "user_id": "dan", "ttl_seconds": seconds });
        post(client, "/holds", &body)
    };
    let held = hold(&mut client, &limited[3], 80_000);
    hold(&mut client, &codes[43], 1);
    let confirmed = hold(&mut client, &codes[44], 600);
    post(&mut client, &format!("/holds/{}/confirm", id(&confirmed)), &json!({}));

    let balance = json!({ "balance": { "currency": "EUR", "minor_units": 1_000 } });
    let (_, gifts) = campaign_with_codes(&mut client, balance, 3);
    let spend = |client: &mut Client, amount: u64| {
        let amount = json!({ "minor_units": amount });
        client.post(
            "/api/v1/redemptions",
            &json!({ "code": gifts[0], "user_id": "ada", "amount": amount }),
        )
    };
    let spent = spend(&mut client, 400).json();
    let part = json!({ "reason": "part", "amount": { "minor_units": 100 } });
    post(&mut client, &format!("/redemptions/{}/rollback", id(&spent)), &part);
    let imported = campaign(&mut client, json!({ "codes": { "kind": "imported" } }));
    let import = format!("/api/v1/campaigns/{}/codes/import", id(&imported));
    let file = Request::new("POST", &import).header("Content-Type", "text/csv");
    let file = file.body("code\nSPRING-2026-ABCDEF\nSPRING-2026-GHIJKL\n");
    assert_eq!(client.send(file.clone()).json()["imported"], 2);
    assert_eq!(redeem(&mut client, "SPRING-2026-ABCDEF", "ada").status, 201);
    let auditor = api_key(&mut client, "auditor");
    wait_until("the short hold has expired", || {
        database.count("SELECT count(*) FROM redeemd.holds WHERE ended = 'expired'") == 1
    });
    settle(&folder, &server);
    let asked: Vec<String> = [&codes[..], &limited[..], &gifts[..]].concat();
    let before = everything(&mut client, &asked);
    assert!(server.terminate().success());

    fs::remove_dir_all(folder.data()).unwrap();
    let told = rebuilt(&folder);
    assert_eq!((&told["epoch"], &told["engine"]), (&json!(1), &json!("segment")));
    assert_eq!(told["sequences"].as_array().unwrap().len(), 9);

    let server = folder.start();
    let mut client = server.client();
    let after = everything(&mut client, &asked);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after, before);
    }
    assert_eq!(after.len(), before.len());
    let again = redeem_keyed(&mut client, &codes[40], "bob", "k");
    assert_eq!((again.status, again.text()), (201, first.text()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    redeem(&mut client, &codes[1], "eve").is_problem(409, "already_redeemed");
    redeem(&mut client, &codes[42], "eve").is_problem(410, "revoked");
    assert_eq!(redeem(&mut client, &codes[41], "eve").status, 201);
    assert_eq!(redeem(&mut client, &codes[50], "eve").status, 201);
    redeem(&mut client, &limited[3], "eve").is_problem(409, "code_held");
    redeem(&mut client, &limited[4], "ada").is_problem(409, "user_limit_reached");
    // Three were redeemed and one is held, so one is left, and dan has one more than the hold.
    assert_eq!(redeem(&mut client, &limited[4], "dan").status, 201);
    redeem(&mut client, &limited[5], "eve").is_problem(409, "campaign_limit_reached");
    post(&mut client, &format!("/holds/{}/confirm", id(&held)), &json!({}));
    redeem(&mut client, &limited[5], "dan").is_problem(409, "user_limit_reached");
    spend(&mut client, 701).is_problem(409, "insufficient_balance");
    assert_eq!(spend(&mut client, 700).json()["balance_left"], 0);
    assert_eq!(client.send(file).json()["duplicates"], 2);
    assert_eq!(redeem(&mut client, "spring-2026-ghijkl", "ada").status, 201);
    let mut auditor = Client::new(server.address, Some(&auditor));
    assert_eq!(auditor.get("/api/v1/redemptions").status, 200);

    // It goes on writing to the same database, also after its next start.
    settle(&folder, &server);
    assert!(server.terminate().success());
    let server = folder.start();
    assert_eq!(redeem(&mut server.client(), &codes[51], "eve").status, 201);
    settle(&folder, &server);
}

#[test]
fn after_a_kill_under_load_what_was_written_is_there_and_the_rest_can_be_redeemed() {
    let database = shared_postgres().database();
    let lost = folder(&database.url());
    let server = lost.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 2_000);
    redeem_many(&mut server.client(), &codes, "ada");
    wait_until("something is written", || {
        database.count("SELECT count(*) FROM redeemd.redemptions") > 0
            && database.count("SELECT count(seen_at) FROM redeemd.presence") == 1
    });
    server.kill();
    let before = lost.path().join("before");
    fs::rename(lost.data(), &before).unwrap();
    rebuild(&lost, &[]).failed_with("a server wrote to this database");
    forget_presence(&database);
    rebuilt(&lost);
    let known = database.count("SELECT count(*) FROM redeemd.redemptions");

    let server = lost.start();
    let mut client = server.client();
    assert_eq!(agree(&mut client, &database), usize::try_from(known).unwrap());
    let again: Vec<u16> =
        codes.iter().map(|code| redeem(&mut client, code, "bob").status).collect();
    assert_eq!(again.iter().filter(|&&status| status == 409).count() as u64, known);
    assert!(again.iter().all(|status| [201, 409].contains(status)));
    assert_eq!(agree(&mut client, &database), 2_000);
    settle(&lost, &server);
    drop(server);

    // The directory that was lost, were it found again, writes there no more.
    let found = folder(&database.url());
    fs::rename(&before, found.data()).unwrap();
    fs::copy(lost.secret(), found.secret()).unwrap();
    let server = found.start();
    let mut note = String::new();
    wait_until("the database is refused", || {
        let part = server.client().get("/health").json()["parts"]["postgres"].clone();
        note = part["note"].as_str().unwrap_or_default().to_owned();
        part["finding"] == "postgres_refused"
    });
    assert!(note.contains("restored from a backup, salvaged or rebuilt"), "{note}");
}

#[test]
fn what_was_removed_or_changed_in_the_database_is_noticed() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 40);
    redeem_many(&mut server.client(), &codes, "ada");
    settle(&folder, &server);
    assert!(server.terminate().success());
    fs::remove_dir_all(folder.data()).unwrap();
    let until = known_until(&folder);
    database.ask(
        "CREATE SCHEMA kept; CREATE TABLE kept.outcomes AS TABLE redeemd.outcomes;
         CREATE TABLE kept.withheld AS TABLE redeemd.withheld",
    );
    let one = "(SELECT min(entry) FROM redeemd.outcomes WHERE sequence = 1)";
    for (damage, complaint) in [
        (
            format!("DELETE FROM redeemd.outcomes WHERE sequence = 1 AND entry = {one}"),
            "does not have of shard-000 what was written",
        ),
        (
            format!(
                "UPDATE redeemd.outcomes SET entry = entry + 1000000
                 WHERE sequence = 1 AND entry = {one}"
            ),
            "shard-000",
        ),
        (
            "UPDATE redeemd.outcomes SET record = set_byte(record, length(record) - 1,
                 get_byte(record, length(record) - 1) # 1) WHERE sequence = 1"
                .to_owned(),
            "shard-000",
        ),
        ("DELETE FROM redeemd.outcomes WHERE sequence = 0".to_owned(), "of control"),
        ("DELETE FROM redeemd.withheld".to_owned(), "was not kept with it"),
        (
            "UPDATE redeemd.withheld SET content = set_byte(content, 3, 9)".to_owned(),
            "redeemd.withheld has something else",
        ),
    ] {
        database.ask(&damage);
        let refused = rebuild(&folder, &["--accept-loss-after", &until]);
        refused.failed_with(complaint);
        let names = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name());
        let names: Vec<_> = names.map(|it| it.to_string_lossy().into_owned()).collect();
        assert!(names.iter().all(|name| !name.starts_with("data") || name == "data.secret"));
        database.ask(
            "BEGIN; DELETE FROM redeemd.outcomes; DELETE FROM redeemd.withheld;
             INSERT INTO redeemd.outcomes SELECT * FROM kept.outcomes;
             INSERT INTO redeemd.withheld SELECT * FROM kept.withheld; COMMIT",
        );
    }
    let ended = rebuild(&folder, &["--accept-loss-after", &until, "--engine", "sled"]);
    let said = ended.done();
    assert!(said.contains("journal in sled, epoch 1") && said.contains("secret"), "{said}");
    let server = folder.start();
    redeem(&mut server.client(), &codes[0], "bob").is_problem(409, "already_redeemed");
    settle(&folder, &server);
}

#[test]
fn a_rebuild_that_would_do_harm_is_refused() {
    let database = shared_postgres().database();
    let nothing = Folder::new();
    rebuild(&nothing, &[]).failed_with("postgres.url is empty");
    assert_eq!(nothing.run(&["rebuild"]).code, 2);
    let folder = folder(&database.url());
    rebuild(&folder, &[]).failed_with("has schema version 0");
    let server = folder.start();
    campaign_with_codes(&mut server.client(), json!({}), 1);
    settle(&folder, &server);
    rebuild(&folder, &[]).failed_with("is not empty");
    // Somewhere else, while the server runs.
    let elsewhere = folder.path().join("elsewhere");
    wait_until("the server has said that it runs", || {
        database.count("SELECT count(seen_at) FROM redeemd.presence") == 1
    });
    let arguments = ["rebuild", "--from-postgres", "--accept-loss-after", "2020-01-01T00:00:00Z"];
    folder.run_on(&elsewhere, &arguments).failed_with("stop it");
    assert!(server.terminate().success());
    let late = ["rebuild", "--from-postgres", "--accept-loss-after", "2100-01-01T00:00:00Z"];
    folder.run_on(&elsewhere, &late).failed_with("only what was answered up to");
    let none = ["rebuild", "--from-postgres", "--json"];
    let refused = folder.run_on(&elsewhere, &none);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    let document: Value = serde_json::from_str(&refused.err).unwrap();
    assert!(document["detail"].as_str().unwrap().contains("--accept-loss-after"));
    assert!(!elsewhere.exists());
    folder.run_on(&elsewhere, &arguments).done();
}
