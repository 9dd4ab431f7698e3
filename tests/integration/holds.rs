//! `/holds`

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, campaign_with_codes, id, metric, redeem, wait_until,
    wait_until_forgotten,
};

fn hold(client: &mut Client, code: &str, user: &str, seconds: u64) -> Answer {
    let wish = json!({"code": code, "user_id": user, "ttl_seconds": seconds});
    client.post("/api/v1/holds", &wish)
}

fn confirm(client: &mut Client, hold: &Value, body: &Value) -> Answer {
    client.post(&format!("/api/v1/holds/{}/confirm", id(hold)), body)
}

fn read(client: &mut Client, hold: &Value) -> Value {
    let answer = client.get(&format!("/api/v1/holds/{}", id(hold)));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn release(client: &mut Client, hold: &Value) -> Answer {
    client.send(Request::new("DELETE", &format!("/api/v1/holds/{}", id(hold))))
}

fn wait_until_expired(client: &mut Client, hold: &Value) {
    wait_until("the hold has expired", || read(client, hold)["status"] == "expired");
    wait_until("an entry has ended it", || {
        let shards = (0..8).map(|shard| {
            let name = format!("redeemd_sequence_holds{{sequence=\"shard-{shard:03}\"}}");
            metric(client, &name)
        });
        shards.sum::<f64>() == 0.0
    });
}

#[test]
fn a_hold_keeps_a_code_and_never_stands_in_its_own_users_way() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let code = codes[0].as_str();
    let held = hold(&mut client, code, "ada", 600);
    assert_eq!((held.status, &held.json()["status"]), (201, &json!("held")));
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    assert_eq!(client.get(&path).json()["counts"]["held"], 1);
    redeem(&mut client, code, "bob").is_problem(409, "code_held");
    hold(&mut client, code, "bob", 600).is_problem(409, "code_held");
    let validate = |client: &mut Client, user: &str| {
        client.post("/api/v1/validations", &json!({"code": code, "user_id": user})).json()
    };
    assert_eq!(validate(&mut client, "bob"), json!({"valid": false, "code": "code_held"}));
    assert_eq!(validate(&mut client, "ada")["valid"], true);
    let found = client.post("/api/v1/codes/lookup", &json!({ "code": code })).json();
    assert_eq!(found["holds"][0]["id"], held.json()["id"]);

    let longer = hold(&mut client, code, "ada", 1_200).json();
    assert_eq!(longer["id"], held.json()["id"], "the same hold is prolonged");
    assert!(longer["expires_at"].as_str() > held.json()["expires_at"].as_str());
    let redeemed = redeem(&mut client, code, "ada");
    assert_eq!(redeemed.status, 201, "{redeemed:?}");
    let fate = read(&mut client, &longer);
    assert_eq!(
        (&fate["status"], &fate["expires_at"]),
        (&json!("confirmed"), &longer["expires_at"])
    );
    assert_eq!(fate["redemption_id"], redeemed.json()["id"]);
    confirm(&mut client, &longer, &json!({})).is_problem(409, "hold_ended");
    release(&mut client, &longer).is_problem(409, "hold_ended");
    let counts = client.get(&path).json()["counts"].clone();
    assert_eq!((&counts["held"], &counts["redeemed"]), (&json!(0), &json!(1)));
}

#[test]
fn a_confirmed_hold_is_a_redemption_and_a_repeated_confirmation_gets_its_answer_again() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let held = hold(&mut client, &codes[0], "ada", 600).json();
    let path = format!("/api/v1/holds/{}/confirm", id(&held));
    let wish = || {
        let request = Request::new("POST", &path).header("Idempotency-Key", "basket-7");
        request.json(&json!({"metadata": {"order": "7"}}))
    };
    let redeemed = client.send(wish());
    assert_eq!((redeemed.status, &redeemed.json()["user_id"]), (201, &json!("ada")));
    assert_eq!(redeemed.json()["metadata"], json!({"order": "7"}));
    for forgotten in [false, true] {
        if forgotten {
            wait_until_forgotten(&mut client);
        }
        let again = client.send(wish());
        assert_eq!((again.status, &again.body), (201, &redeemed.body));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
    let other = Request::new("POST", &path).header("Idempotency-Key", "basket-7");
    client.send(other.json(&json!({}))).is_problem(422, "idempotency_key_reused");
    assert_eq!(read(&mut client, &held)["redemption_id"], redeemed.json()["id"]);
}

#[test]
fn a_released_hold_gives_the_code_to_others() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let held = hold(&mut client, &codes[0], "ada", 600).json();
    assert_eq!(release(&mut client, &held).status, 204);
    assert_eq!(release(&mut client, &held).status, 204, "it is released already");
    assert_eq!(read(&mut client, &held)["status"], "released");
    let take = json!({"take_if_free": true});
    confirm(&mut client, &held, &take).is_problem(409, "hold_ended");
    assert_eq!(redeem(&mut client, &codes[0], "bob").status, 201);
}

#[test]
fn a_confirmation_after_the_end_takes_the_code_only_where_it_is_free_and_may() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2);
    let [free, taken] = [&codes[0], &codes[1]].map(|code| hold(&mut client, code, "ada", 1).json());
    wait_until_expired(&mut client, &free);
    wait_until_expired(&mut client, &taken);
    assert_eq!(redeem(&mut client, &codes[1], "bob").status, 201);
    let take = json!({"take_if_free": true});
    confirm(&mut client, &free, &json!({})).is_problem(409, "hold_ended");
    let late = confirm(&mut client, &free, &take);
    assert_eq!((late.status, &late.json()["user_id"]), (201, &json!("ada")));
    confirm(&mut client, &taken, &take).is_problem(409, "already_redeemed");
    assert_eq!(read(&mut client, &free)["status"], "expired");
}

#[test]
fn a_hold_survives_a_crash_and_still_ends_in_time() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 2);
    let long = hold(&mut client, &codes[0], "ada", 600).json();
    let short = hold(&mut client, &codes[1], "ada", 1).json();
    server.kill();
    let server = folder.start();
    let mut client = server.client();
    assert_eq!(read(&mut client, &long), long);
    redeem(&mut client, &codes[0], "bob").is_problem(409, "code_held");
    wait_until("the short one has expired", || read(&mut client, &short)["status"] == "expired");
    wait_until("its code is free", || redeem(&mut client, &codes[1], "bob").status == 201);
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    assert_eq!(client.get(&path).json()["counts"]["held"], 1);
    assert_eq!(confirm(&mut client, &long, &json!({})).status, 201);
}

#[test]
fn there_are_only_so_many_holds_at_once() {
    let folder = Folder::new().set("holds.max_live", "1");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2);
    assert_eq!(hold(&mut client, &codes[0], "ada", 600).status, 201);
    hold(&mut client, &codes[1], "ada", 600).is_problem(503, "overloaded");
}

#[test]
fn what_is_no_hold_is_not_found() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let nowhere = json!({"id": "hold_01k9q3w2zk5a00000000b7"});
    confirm(&mut client, &nowhere, &json!({})).is_problem(404, "not_found");
    release(&mut client, &nowhere).is_problem(404, "not_found");
    client.get("/api/v1/holds/hold_7").is_problem(404, "not_found");
    hold(&mut client, "NOT-A-CODE", "ada", 5).is_problem(404, "invalid_code");
    hold(&mut client, "NOT-A-CODE", "ada", 86_401).is_problem(400, "validation_failed");
}
