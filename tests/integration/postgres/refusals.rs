//! What the database refuses for its content is set aside, and does not stop the rest.

use std::process::Command;

use serde_json::{Value, json};

use super::agreement::{agree, agree_on_everything};
use super::arrival::{folder, redeem_many};
use crate::support::{
    Client, Database, api_key, campaign_with_codes, id, metric, redeem, shared_postgres, wait_until,
};

#[test]
fn rows_that_are_refused_are_set_aside_and_the_others_arrive() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1_003);
    wait_until("the tables are there", || {
        database.count("SELECT count(*) FROM redeemd.campaigns") == 1
    });
    // As somebody might who wants to keep something out of the reports.
    database.ask("ALTER TABLE redeemd.redemptions ADD CHECK (user_id NOT LIKE 'secret%')");
    redeem_many(&mut client, &codes[..500], "ada");
    let first = redeem(&mut client, &codes[1_000], "secret agent");
    redeem_many(&mut client, &codes[500..1_000], "ada");
    let second = redeem(&mut client, &codes[1_001], "secretary");
    redeem(&mut client, &codes[1_002], "bob");
    wait_until("the others have arrived", || {
        database.count("SELECT count(*) FROM redeemd.redemptions") == 1_001
            && database.count("SELECT count(*) FROM redeemd.set_aside") == 2
    });
    let ids: Vec<_> = [first, second].map(|answer| answer.json()["id"].clone()).into();
    for id in ids {
        let there = format!("SELECT count(*) FROM redeemd.redemptions WHERE id = {}", quoted(&id));
        assert_eq!(database.ask(&there), "0");
    }
    let reasons =
        database.ask("SELECT DISTINCT left(reason, 5), length(record) > 10 FROM redeemd.set_aside");
    assert_eq!(reasons, "23514|t");
    wait_until("health says so", || {
        let part = client.get("/health").json()["parts"]["postgres"].clone();
        part["finding"] == "postgres_set_aside" && part["checks"]["set_aside"]["value"] == 2
    });
    assert_eq!(metric(&mut client, "redeemd_postgres_set_aside_outcomes"), 2.0);
    // It is known after a restart, too.
    drop(server);
    let server = folder.start();
    wait_until("it is known again", || {
        metric(&mut server.client(), "redeemd_postgres_set_aside_outcomes") == 2.0
    });
}

fn quoted(id: &Value) -> String {
    format!("'{}'", id.as_str().unwrap())
}

#[test]
fn a_database_that_lets_nobody_write_is_said_and_looked_at_again() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 10);
    wait_until("the tables are there", || {
        database.count("SELECT count(*) FROM redeemd.campaigns") == 1
    });
    database.ask("ALTER TABLE redeemd.redemptions RENAME TO elsewhere");
    redeem_many(&mut client, &codes, "ada");
    wait_until("health says so", || {
        client.get("/health").json()["parts"]["postgres"]["finding"] == "postgres_refused"
    });
    database.ask("ALTER TABLE redeemd.elsewhere RENAME TO redemptions");
    wait_until("they have arrived", || {
        database.count("SELECT count(*) FROM redeemd.redemptions") == 10
    });
}

#[test]
fn a_database_that_only_answers_questions_is_told_from_one_that_is_away() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 20);
    redeem_many(&mut client, &codes[..10], "ada");
    assert_eq!(agree(&mut client, &database), 10);
    // As a replica is, or a server that was made one by a fail-over. Whoever connects finds it so.
    let reads_only = |is_so: &str| {
        let name = database.name();
        database.ask(&format!(
            "BEGIN READ WRITE;
             ALTER DATABASE {name} SET default_transaction_read_only = {is_so};
             COMMIT"
        ));
        database.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'redeemd'",
        );
    };
    reads_only("on");
    redeem_many(&mut client, &codes[10..], "bob");
    wait_until("health says so", || {
        let part = client.get("/health").json()["parts"]["postgres"].clone();
        part["finding"] == "postgres_refused" && part["note"].as_str().unwrap().contains("25006")
    });
    reads_only("off");
    assert_eq!(agree(&mut client, &database), 20);
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.set_aside"), "0");
}

/// Runs `redeemd postgres set-aside`, and gives its exit code and what it said.
fn set_aside(database: &Database<'_>, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redeemd"));
    command.env_clear().env("REDEEMD_POSTGRES__URL", database.url());
    let output = command.args(["postgres", "set-aside"]).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn post(client: &mut Client, path: &str, body: &Value) -> Value {
    let answer = client.post(&format!("/api/v1{path}"), body);
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.json()
}

#[test]
fn what_was_set_aside_is_tried_again_and_arrives_as_it_has_become() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let money = json!({ "balance": { "currency": "EUR", "minor_units": 1_000 } });
    let (_, gifts) = campaign_with_codes(&mut client, money, 2);
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 20);
    agree(&mut client, &database);
    assert_eq!(set_aside(&database, &["list"]), (Some(0), "nothing is set aside\n".to_owned()));
    assert_eq!(set_aside(&database, &["retry", "--all"]).0, Some(0));
    database.ask(
        "ALTER TABLE redeemd.redemptions ADD CHECK (user_id NOT LIKE '%ee%');
         ALTER TABLE redeemd.holds ADD CHECK (user_id NOT LIKE '%ee%');
         ALTER TABLE redeemd.movements ADD CHECK (kind <> 'topped_up');
         ALTER TABLE redeemd.api_keys ADD CHECK (role <> 'auditor')",
    );

    // Redemptions that are rolled back, a hold that is prolonged and one that ends, and a key that
    // is shut out, all while they are set aside.
    let first = redeem(&mut client, &codes[0], "eels").json();
    let second = redeem(&mut client, &codes[1], "bees").json();
    let body = json!({ "code": gifts[0], "user_id": "sees", "amount": { "minor_units": 600 } });
    let spent = post(&mut client, "/redemptions", &body);
    let hold = |client: &mut Client, code: &str| {
        let body = json!({ "code": code, "user_id": "trees", "ttl_seconds": 600 });
        id(&post(client, "/holds", &body))
    };
    let held = hold(&mut client, &codes[2]);
    let confirmed = hold(&mut client, &codes[3]);
    api_key(&mut client, "auditor");
    wait_until("they are set aside", || {
        database.count("SELECT count(*) FROM redeemd.set_aside") == 6
    });
    let rollback = |client: &mut Client, redemption: &Value, body: &Value| {
        post(client, &format!("/redemptions/{}/rollback", id(redemption)), body);
    };
    rollback(&mut client, &first, &json!({ "reason": "wrong" }));
    let part = json!({ "reason": "part", "amount": { "minor_units": 100 } });
    rollback(&mut client, &spent, &part);
    rollback(&mut client, &spent, &part);
    let body = json!({ "code": codes[2], "user_id": "trees", "ttl_seconds": 6_000 });
    post(&mut client, "/holds", &body);
    post(&mut client, &format!("/holds/{confirmed}/confirm"), &json!({}));
    let body = json!({ "code": gifts[1], "amount": { "minor_units": 5 }, "reason": "sorry" });
    post(&mut client, "/codes/top-up", &body);
    let keys = client.get("/api/v1/api-keys").json();
    let auditor = keys["data"].as_array().unwrap().iter().find(|it| it["role"] == "auditor");
    let path = format!("/api/v1/api-keys/{}", id(auditor.unwrap()));
    assert_eq!(client.send(crate::support::Request::new("DELETE", &path)).status, 204);
    redeem_many(&mut client, &codes[5..], "ada");
    wait_until("the others have arrived", || {
        database.count("SELECT count(*) FROM redeemd.redemptions") == 15
            && database.count("SELECT count(*) FROM redeemd.set_aside") == 8
            && metric(&mut client, "redeemd_postgres_backlog_entries") == 0.0
    });

    let (code, list) = set_aside(&database, &["list"]);
    assert_eq!((code, list.lines().count()), (Some(0), 8), "{list}");
    for kind in ["redemption.created", "hold.placed", "code.topped_up", "api_key.created"] {
        assert!(list.contains(kind) && list.contains("23514"), "{list}");
    }
    let (code, list) = set_aside(&database, &["list", "--json"]);
    let lines: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, lines.len()), (Some(0), 8), "{list}");
    // As long as somebody refuses it, it stays.
    let entry = lines.iter().find(|it| it["kind"] == "code.topped_up").unwrap()["entry"].clone();
    let (code, said) = set_aside(&database, &["retry", entry.as_str().unwrap()]);
    assert!(
        code == Some(1) && said.contains("refused again: ") && said.contains("1 ref"),
        "{said}"
    );
    let (code, said) = set_aside(&database, &["retry", "shard-000:999999"]);
    assert!(code == Some(1) && said.contains("1 of those named are not set aside"), "{said}");
    assert_eq!(set_aside(&database, &["retry"]).0, Some(2));

    for (table, name) in [
        ("redemptions", "redemptions_user_id_check"),
        ("holds", "holds_user_id_check"),
        ("movements", "movements_kind_check"),
        ("api_keys", "api_keys_role_check"),
    ] {
        database.ask(&format!("ALTER TABLE redeemd.{table} DROP CONSTRAINT {name}"));
    }
    let (code, said) = set_aside(&database, &["retry", "--all"]);
    assert_eq!((code, said.as_str()), (Some(0), "8 arrived, 0 refused again\n"));
    agree_on_everything(&mut client, &database);
    wait_until("health has seen it", || {
        client.get("/health").json()["parts"]["postgres"]["status"] == "healthy"
    });
    assert_eq!(metric(&mut client, "redeemd_postgres_set_aside_outcomes"), 0.0);
    let id_of = |it: &Value| it["id"].as_str().unwrap().to_owned();
    let rolled_back = database.ask(&format!(
        "SELECT user_id, rollback_reason, returned_minor_units FROM redeemd.redemptions
         WHERE id IN ('{}', '{}', '{}') ORDER BY id",
        id_of(&first),
        id_of(&second),
        id_of(&spent)
    ));
    assert_eq!(rolled_back, "eels|wrong|\nbees||\nsees||200");
    let holds = format!(
        "SELECT id = '{held}', ended, expires_at > held_at + interval '1 hour'
         FROM redeemd.holds ORDER BY held_at, id"
    );
    assert_eq!(database.ask(&holds), "t||t\nf|confirmed|f");
    let revoked = "SELECT role, revoked_at IS NOT NULL FROM redeemd.api_keys ORDER BY number";
    assert_eq!(database.ask(revoked), "admin|f\nauditor|t");
}

#[test]
fn what_comes_late_undoes_nothing_that_came_after_it() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let money = json!({ "balance": { "currency": "EUR", "minor_units": 1_000 } });
    let (campaign, gifts) = campaign_with_codes(&mut client, money, 1);
    let body = json!({ "code": gifts[0], "user_id": "ada", "amount": { "minor_units": 600 } });
    let spent = post(&mut client, "/redemptions", &body);
    agree(&mut client, &database);
    database.ask(
        "ALTER TABLE redeemd.movements ADD CHECK (amount_minor_units <> 77);
         ALTER TABLE redeemd.campaigns ADD CHECK (name <> 'Secret')",
    );
    let rollback = format!("/redemptions/{}/rollback", id(&spent));
    let part = json!({ "reason": "part", "amount": { "minor_units": 77 } });
    post(&mut client, &rollback, &part);
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    let rename = |client: &mut Client, name: &str| {
        let etag = client.get(&path).header("etag").unwrap().to_owned();
        let change = crate::support::Request::new("PATCH", &path).header("If-Match", &etag);
        assert_eq!(client.send(change.json(&json!({ "name": name }))).status, 200);
    };
    rename(&mut client, "Secret");
    wait_until("they are set aside", || {
        database.count("SELECT count(*) FROM redeemd.set_aside") == 2
    });
    post(&mut client, &rollback, &json!({ "reason": "all" }));
    rename(&mut client, "Open");
    let now = "SELECT rolled_back_at IS NOT NULL, rollback_reason, returned_minor_units, c.name
         FROM redeemd.redemptions r JOIN redeemd.campaigns c ON c.number = r.campaign";
    wait_until("what came later has arrived", || database.ask(now) == "t|all|600|Open");

    database.ask(
        "ALTER TABLE redeemd.movements DROP CONSTRAINT movements_amount_minor_units_check;
         ALTER TABLE redeemd.campaigns DROP CONSTRAINT campaigns_name_check",
    );
    let (code, said) = set_aside(&database, &["retry", "--all"]);
    assert_eq!((code, said.as_str()), (Some(0), "2 arrived, 0 refused again\n"));
    assert_eq!(database.ask(now), "t|all|600|Open");
    agree_on_everything(&mut client, &database);
}

#[test]
fn a_partition_that_was_dropped_is_made_again_and_one_that_was_detached_is_named() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 30);
    redeem_many(&mut client, &codes[..10], "ada");
    assert_eq!(agree(&mut client, &database), 10);
    let partition = database.ask("SELECT DISTINCT tableoid::regclass FROM redeemd.redemptions");
    database.ask(&format!("DROP TABLE {partition}"));
    redeem_many(&mut client, &codes[10..20], "bob");
    let count = "SELECT count(*) FROM redeemd.redemptions";
    wait_until("it is made again", || database.count(count) == 10);
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.set_aside"), "0");

    database.ask(&format!("ALTER TABLE redeemd.redemptions DETACH PARTITION {partition}"));
    redeem_many(&mut client, &codes[20..], "cyd");
    wait_until("health says so", || {
        let part = client.get("/health").json()["parts"]["postgres"].clone();
        part["finding"] == "postgres_refused"
            && part["note"].as_str().unwrap().contains("was detached")
    });
    database.ask(&format!("ALTER TABLE {partition} RENAME TO kept"));
    wait_until("it goes on by itself", || database.count(count) == 10);
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.kept"), "10");
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.set_aside"), "0");
}

#[test]
fn tables_that_were_dropped_are_named_and_all_of_them_are_made_and_filled_again() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 20);
    redeem_many(&mut client, &codes[..10], "ada");
    assert_eq!(agree(&mut client, &database), 10);
    database.ask("DROP TABLE redeemd.redemptions");
    redeem_many(&mut client, &codes[10..], "bob");
    wait_until("health says so", || {
        let part = client.get("/health").json()["parts"]["postgres"].clone();
        part["finding"] == "postgres_refused" && part["note"].as_str().unwrap().contains("42P01")
    });
    database.ask("DROP SCHEMA redeemd CASCADE");
    agree_on_everything(&mut client, &database);
}

#[test]
fn a_database_in_another_encoding_is_refused() {
    let database = shared_postgres().database_with("ENCODING 'LATIN1' LOCALE 'C'");
    let folder = folder(&database.url());
    let server = folder.start();
    wait_until("health says so", || {
        let part = server.client().get("/health").json()["parts"]["postgres"].clone();
        part["finding"] == "postgres_refused" && part["note"].as_str().unwrap().contains("LATIN1")
    });
}
