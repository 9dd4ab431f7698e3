//! What becomes of redemptions and holds afterwards: rollbacks, ends of holds, balances.

use serde_json::{Value, json};

use super::agreement::agree;
use super::arrival::folder;
use crate::support::{
    Client, Database, campaign_with_codes, id, redeem, shared_postgres, wait_until,
};

fn post(client: &mut Client, path: &str, body: &Value) -> Value {
    let answer = client.post(&format!("/api/v1{path}"), body);
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.json()
}

/// Waits until a question has this answer.
fn settles(database: &Database<'_>, question: &str, answer: &str) {
    let mut last = None;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while last.as_deref() != Some(answer) {
        assert!(std::time::Instant::now() < deadline, "{question}\n{last:?}, not {answer}");
        last = database.try_ask(question);
    }
}

#[test]
fn rollbacks_are_seen_at_their_redemptions() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 3);
    let first = redeem(&mut client, &codes[0], "ada").json();
    redeem(&mut client, &codes[1], "ada");
    // One has arrived before it is rolled back; the other may come in one batch with its rollback.
    agree(&mut client, &database);
    let late = redeem(&mut client, &codes[2], "bob").json();
    for redemption in [&first, &late] {
        let path = format!("/redemptions/{}/rollback", id(redemption));
        post(&mut client, &path, &json!({ "reason": "returned goods" }));
    }
    redeem(&mut client, &codes[0], "cyd");
    agree(&mut client, &database);
    settles(
        &database,
        "SELECT user_id, rolled_back_at >= redeemed_at, rollback_reason, generation
         FROM redeemd.redemptions ORDER BY id",
        "ada|t|returned goods|0\nada|||0\nbob|t|returned goods|0\ncyd|||1",
    );
    let audit = "SELECT count(*), count(code), count(request) FROM redeemd.audit
         WHERE event = 'redemption_rolled_back' AND detail->>'whole' = 'true'";
    assert_eq!(database.ask(audit), "2|2|0");
}

#[test]
fn holds_are_seen_with_their_ends() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 4);
    let hold = |client: &mut Client, code: usize, seconds: u32| {
        let body = json!({ "code": codes[code], "user_id": "ada", "ttl_seconds": seconds });
        post(client, "/holds", &body)
    };
    let confirmed = hold(&mut client, 0, 600);
    let released = hold(&mut client, 1, 600);
    hold(&mut client, 2, 1);
    let prolonged = hold(&mut client, 3, 600);
    assert_eq!(id(&hold(&mut client, 3, 6_000)), id(&prolonged));
    post(&mut client, &format!("/holds/{}/confirm", id(&confirmed)), &json!({}));
    let path = format!("/api/v1/holds/{}", id(&released));
    let delete = crate::support::Request::new("DELETE", &path);
    assert_eq!(client.send(delete).status, 204);
    settles(
        &database,
        "SELECT coalesce(ended, 'held'), ended_at >= held_at, expires_at > held_at + interval '1 hour'
         FROM redeemd.holds ORDER BY 1",
        "confirmed|t|f\nexpired|t|f\nheld||t\nreleased|t|f",
    );
    let confirmed_by = "SELECT count(*) FROM redeemd.redemptions r JOIN redeemd.holds h
             ON h.sequence = r.sequence AND h.entry = r.hold_entry AND h.ended_entry = r.entry";
    settles(&database, confirmed_by, "1");
}

#[test]
fn every_movement_of_a_balance_is_there_and_they_add_up() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({ "balance": { "currency": "EUR", "minor_units": 10_000 } });
    let (_, codes) = campaign_with_codes(&mut client, rules, 1);
    let spend = |client: &mut Client, amount: u64| {
        let amount = json!({ "minor_units": amount });
        let body = json!({ "code": codes[0], "user_id": "ada", "amount": amount });
        post(client, "/redemptions", &body)
    };
    let first = spend(&mut client, 4_000);
    let second = spend(&mut client, 1_000);
    let path = format!("/redemptions/{}/rollback", id(&first));
    for amount in [300, 200] {
        let body = json!({ "reason": "part", "amount": { "minor_units": amount } });
        post(&mut client, &path, &body);
    }
    let path = format!("/redemptions/{}/rollback", id(&second));
    post(&mut client, &path, &json!({ "reason": "all" }));
    let body = json!({ "code": codes[0], "amount": { "minor_units": 50 }, "reason": "sorry" });
    post(&mut client, "/codes/top-up", &body);
    settles(
        &database,
        "SELECT kind, amount_minor_units, balance_left, redemption IS NULL
         FROM redeemd.movements ORDER BY entry",
        "spent|4000|6000|f\nspent|1000|5000|f\nreturned|300|5300|f\nreturned|200|5500|f\n\
         returned|1000|6500|f\ntopped_up|50|6550|t",
    );
    let redemptions = "SELECT amount_minor_units, balance_left, returned_minor_units,
             rolled_back_at IS NOT NULL FROM redeemd.redemptions ORDER BY id";
    assert_eq!(database.ask(redemptions), "4000|6000|500|f\n1000|5000|1000|t");
    let left = "SELECT DISTINCT currency, balance_minor_units - 10000 FROM redeemd.campaigns";
    assert_eq!(database.ask(left), "EUR|0");
    wait_until("the top-up is in the audit", || {
        database.ask("SELECT reason FROM redeemd.audit WHERE event = 'code_topped_up'") == "sorry"
    });
}

#[test]
fn the_rules_of_campaigns_are_there_as_they_are_now() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({
        "name": "Summer",
        "codes": { "kind": "pattern", "pattern": "SUMMER-######-######" },
        "uses_per_code": 4,
        "uses_per_user": { "limit": 3, "per": "week", "time_zone": "Europe/Berlin" },
        "total_uses": 5_000,
        "starts_at": "2026-06-01T00:00:00Z",
        "expires_at": "2099-09-01T12:30:00.250Z",
    });
    let campaign = post(&mut client, "/campaigns", &rules);
    let select = "SELECT name, codes, pattern, uses_per_code, uses_per_user, uses_per_user_per,
             total_uses, starts_at, expires_at, revision, changed_at > created_at
         FROM redeemd.campaigns";
    settles(
        &database,
        select,
        "Summer|pattern|SUMMER-######-######|4|3|week|5000|2026-06-01 00:00:00+00|\
         2099-09-01 12:30:00.25+00|1|f",
    );
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    let etag = client.get(&path).header("etag").unwrap().to_owned();
    let change = crate::support::Request::new("PATCH", &path).header("If-Match", &etag);
    let changes = json!({ "uses_per_user": 2, "total_uses": null, "expires_at": null });
    assert_eq!(client.send(change.json(&changes)).status, 200);
    settles(
        &database,
        select,
        "Summer|pattern|SUMMER-######-######|4|2|ever||2026-06-01 00:00:00+00||2|t",
    );
}
