//! How much may wait for the database: at the bound the server is read-only and says so, and it goes
//! on by itself.

use serde_json::json;

use super::agreement::agree;
use super::arrival::{folder, redeem_many};
use crate::support::{
    Client, Postgres, Request, api_key, campaign, campaign_with_codes, id, metric, redeem,
    redeem_keyed, wait_until,
};

fn part(client: &mut Client) -> serde_json::Value {
    client.get("/health").json()["parts"]["postgres"].clone()
}

#[test]
fn at_the_bound_nothing_new_is_taken_until_the_database_is_back() {
    let mut postgres = Postgres::start();
    let url = postgres.database().url();
    let folder = folder(&url).set("postgres.max_backlog_bytes", "200000");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 20_000);
    campaign(&mut client, json!({ "name": "Other" }));
    api_key(&mut client, "auditor");
    let first = redeem_keyed(&mut client, &codes[0], "ada", "order-1");
    assert_eq!(agree(&mut client, &postgres.existing(&url)), 1);
    let held = json!({ "code": codes[1], "user_id": "eve", "ttl_seconds": 1 });
    postgres.stop();
    assert_eq!(client.post("/api/v1/holds", &held).status, 201);
    // It is looked at once a second, so some more is taken.
    let mut taken = 2;
    let refused = loop {
        let answer = redeem(&mut client, &codes[taken], "ada");
        if answer.status != 201 {
            break answer;
        }
        taken += 1;
        assert!(taken < codes.len(), "there is no bound");
    };
    refused.is_problem(503, "read_only");
    assert!(refused.text().contains("database"), "{refused:?}");
    assert_eq!(metric(&mut client, "redeemd_postgres_backlog_full"), 1.0);
    let full = part(&mut client);
    assert_eq!(full["finding"], "postgres_backlog_full", "{full}");
    assert_eq!(full["checks"]["backlog_on_disk"]["limit"], 200_000);
    assert_eq!(client.get("/health").json()["status"], "unhealthy");
    assert!(!full["note"].as_str().unwrap().is_empty());

    // What was answered is answered again, what only looks goes on, and what is due happens.
    let again = redeem_keyed(&mut client, &codes[0], "ada", "order-1");
    assert_eq!((again.status, again.json()), (201, first.json()));
    let body = json!({ "code": codes[taken] });
    assert_eq!(client.post("/api/v1/validations", &body).json()["valid"], true);
    wait_until("the hold expires", || {
        let body = json!({ "code": codes[1] });
        client.post("/api/v1/validations", &body).json()["valid"] == true
    });
    // What only takes something away goes on; to give it back has to wait.
    revoke_everything(&mut client, &codes[taken + 200]);
    // It is known after a restart, too.
    assert!(server.terminate().success());
    let server = folder.start();
    let mut client = server.client();
    wait_until("it is full again", || part(&mut client)["finding"] == "postgres_backlog_full");
    redeem(&mut client, &codes[taken], "ada").is_problem(503, "read_only");

    postgres.run();
    wait_until("it goes on by itself", || redeem(&mut client, &codes[taken], "ada").status == 201);
    redeem_many(&mut client, &codes[taken + 1..taken + 100], "bob");
    // Two were not redeemed: the one that was held, and none besides.
    assert_eq!(agree(&mut client, &postgres.existing(&url)), taken - 1 + 100);
    wait_until("all is well", || part(&mut client)["status"] == "healthy");
    assert_eq!(metric(&mut client, "redeemd_postgres_backlog_bytes"), 0.0);
    assert_eq!(metric(&mut client, "redeemd_postgres_backlog_limit_bytes"), 200_000.0);
}

/// Revokes a code and an API key, and pauses and archives campaigns, while nothing else is taken.
fn revoke_everything(client: &mut Client, code: &str) {
    let body = json!({ "code": code, "reason": "stolen" });
    assert_eq!(client.post("/api/v1/codes/revoke", &body).status, 200);
    redeem(client, code, "eve").is_problem(410, "revoked");
    client.post("/api/v1/codes/restore", &body).is_problem(503, "read_only");
    let keys = client.get("/api/v1/api-keys").json();
    let auditor = keys["data"].as_array().unwrap().iter().find(|it| it["role"] == "auditor");
    let path = format!("/api/v1/api-keys/{}", id(auditor.unwrap()));
    assert_eq!(client.send(Request::new("DELETE", &path)).status, 204);
    client
        .post("/api/v1/api-keys", &json!({ "name": "n", "role": "auditor" }))
        .is_problem(503, "read_only");
    let campaigns = client.get("/api/v1/campaigns").json();
    let other = campaigns["data"].as_array().unwrap().iter().find(|it| it["name"] == "Other");
    let path = format!("/api/v1/campaigns/{}", id(other.unwrap()));
    for (change, status) in [("pause", "paused"), ("archive", "archived")] {
        let answer = client.post(&format!("{path}/{change}"), &json!({}));
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!(status)));
        if change == "pause" {
            client.post(&format!("{path}/resume"), &json!({})).is_problem(503, "read_only");
        }
    }
}

#[test]
fn the_time_to_drain_is_estimated_while_much_waits() {
    let mut postgres = Postgres::start();
    let url = postgres.database().url();
    let folder = folder(&url).set("postgres.max_batch_rows", "1000").set("postgres.pool_size", "1");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 100);
    redeem_many(&mut client, &codes, "ada");
    assert_eq!(agree(&mut client, &postgres.existing(&url)), 100);
    wait_until("nothing is to drain", || {
        metric(&mut client, "redeemd_postgres_drain_seconds") == 0.0
    });
    // Each batch takes a while, so that draining does.
    postgres.existing(&url).ask(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$;
         CREATE TRIGGER slow AFTER UPDATE ON redeemd.watermarks
             FOR EACH STATEMENT EXECUTE FUNCTION slow()",
    );
    // Nobody knows how quick it is while it has had nothing to do.
    postgres.stop();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 30_000);
    redeem_many(&mut client, &codes, "bob");
    wait_until("nobody can tell", || {
        metric(&mut client, "redeemd_postgres_drain_seconds").is_nan()
    });
    assert_eq!(part(&mut client)["checks"]["drain"], serde_json::Value::Null);
    postgres.run();
    let database = postgres.existing(&url);
    wait_until("it is estimated", || {
        let seconds = metric(&mut client, "redeemd_postgres_drain_seconds");
        seconds > 0.0 && seconds < 60.0 && part(&mut client)["checks"]["drain"]["value"] != 0
    });
    assert!(metric(&mut client, "redeemd_postgres_writing_entries_per_second") > 0.0);
    database.ask("DROP TRIGGER slow ON redeemd.watermarks");
    assert_eq!(agree(&mut client, &database), 30_100);
}
