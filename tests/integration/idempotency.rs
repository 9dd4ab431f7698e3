//! `Idempotency-Key`: the first answer again, whatever has happened since.

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, campaign_with_codes, id, redeem, redeem_keyed,
    wait_until_forgotten,
};

fn keyed(client: &mut Client, path: &str, key: &str, body: &Value) -> Answer {
    client.send(Request::new("POST", path).header("Idempotency-Key", key).json(body))
}

fn is_replay(first: &Answer, again: &Answer) {
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[test]
fn a_repeated_redemption_gets_its_first_answer() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({"reward": {"v": 1}, "uses_per_code": 2});
    let (campaign, codes) = campaign_with_codes(&mut client, rules, 2);
    let path = format!("/api/v1/campaigns/{}", id(&campaign));

    let first = redeem_keyed(&mut client, &codes[0], "ada", "order 1");
    assert_eq!(first.status, 201);
    is_replay(&first, &redeem_keyed(&mut client, &codes[0], "ada", "order 1"));
    is_replay(&first, &redeem_keyed(&mut client, &codes[0].to_lowercase(), "ada", "order 1"));

    redeem_keyed(&mut client, &codes[0], "bob", "order 1")
        .is_problem(422, "idempotency_key_reused");
    let body = json!({"code": codes[0], "user_id": "ada", "metadata": {"a": 1}});
    keyed(&mut client, "/api/v1/redemptions", "order 1", &body)
        .is_problem(422, "idempotency_key_reused");
    let other = redeem_keyed(&mut client, &codes[1], "ada", "order 1");
    assert_eq!((other.status, other.header("idempotent-replayed")), (201, None), "another code");

    // A replay precedes every refusal, and keeps the reward of then.
    client.send(Request::new("PATCH", &path).json(&json!({"reward": {"v": 2}})));
    client.send(Request::new("POST", &format!("{path}/pause")));
    is_replay(&first, &redeem_keyed(&mut client, &codes[0], "ada", "order 1"));
    redeem_keyed(&mut client, &codes[0], "ada", "order 2").is_problem(409, "campaign_paused");
    client.send(Request::new("POST", &format!("{path}/resume")));
    // A refusal is not remembered.
    let second = redeem_keyed(&mut client, &codes[0], "ada", "order 2");
    assert_eq!((second.status, &second.json()["reward"]["v"]), (201, &json!(2)));
    is_replay(&first, &redeem_keyed(&mut client, &codes[0], "ada", "order 1"));
    is_replay(&second, &redeem_keyed(&mut client, &codes[0], "ada", "order 2"));
    redeem_keyed(&mut client, &codes[0], "ada", "order 3").is_problem(409, "already_redeemed");
}

#[test]
fn metadata_is_compared_by_what_it_says() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let request = |metadata: &str| {
        let body = format!(r#"{{"code":"{}","user_id":"ada","metadata":{metadata}}}"#, codes[0]);
        Request::new("POST", "/api/v1/redemptions")
            .header("Idempotency-Key", "k")
            .header("Content-Type", "application/json")
            .body(body)
    };
    let first = client.send(request(r#"{"a":1,"b":[2]}"#));
    is_replay(&first, &client.send(request("{ \"a\" : 1,\n \"b\" : [ 2 ] }")));
    client.send(request(r#"{"a":1}"#)).is_problem(422, "idempotency_key_reused");
}

#[test]
fn what_the_shards_forgot_the_ledger_knows() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 40);
    let firsts: Vec<_> =
        codes.iter().map(|code| redeem_keyed(&mut client, code, "ada", "k")).collect();
    let body = json!({"name": "n", "codes": {"kind": "sealed"}});
    let made = keyed(&mut client, "/api/v1/campaigns", "make", &body);
    let pause = format!("/api/v1/campaigns/{}/pause", id(&campaign));
    let paused = keyed(&mut client, &pause, "pause", &json!({}));
    wait_until_forgotten(&mut client);
    for (code, first) in codes.iter().zip(&firsts) {
        is_replay(first, &redeem_keyed(&mut client, code, "ada", "k"));
        redeem_keyed(&mut client, code, "bob", "k").is_problem(422, "idempotency_key_reused");
        // Another key is searched for in vain, and then judged.
        redeem_keyed(&mut client, code, "ada", "other").is_problem(409, "campaign_paused");
    }
    is_replay(&made, &keyed(&mut client, "/api/v1/campaigns", "make", &body));
    is_replay(&paused, &keyed(&mut client, &pause, "pause", &json!({})));
    let other = json!({"name": "other", "codes": {"kind": "sealed"}});
    keyed(&mut client, "/api/v1/campaigns", "make", &other)
        .is_problem(422, "idempotency_key_reused");
}

#[test]
fn repeated_changes_get_their_first_answer() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let body = json!({"name": "Launch", "codes": {"kind": "sealed"}, "reward": {"a": 1}});
    let made = keyed(&mut client, "/api/v1/campaigns", "make", &body);
    let campaign = made.json();
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    let codes_path = format!("{path}/codes");

    let issued = keyed(&mut client, &codes_path, "issue", &json!({"count": 10}));
    let code = issued.json()["codes"][0].as_str().unwrap().to_owned();
    redeem(&mut client, &code, "ada");
    is_replay(&issued, &keyed(&mut client, &codes_path, "issue", &json!({"count": 10})));
    keyed(&mut client, &codes_path, "issue", &json!({"count": 11}))
        .is_problem(422, "idempotency_key_reused");
    assert_eq!(client.get(&path).json()["counts"]["issued"], 10, "issued once");

    is_replay(&made, &keyed(&mut client, "/api/v1/campaigns", "make", &body));
    let pause = format!("{path}/pause");
    let paused = keyed(&mut client, &pause, "p", &json!({}));
    assert_eq!(paused.json()["status"], "paused");
    client.send(Request::new("POST", &format!("{path}/resume")));
    is_replay(&paused, &keyed(&mut client, &pause, "p", &json!({})));
    assert_eq!(client.get(&path).json()["status"], "active", "a replay changes nothing");
    keyed(&mut client, &format!("{path}/archive"), "p", &json!({}))
        .is_problem(422, "idempotency_key_reused");
}

#[test]
fn keys_have_1_to_255_printable_characters() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    for bad in ["", "é", &"x".repeat(256)] {
        let answer = redeem_keyed(&mut client, &codes[0], "ada", bad);
        answer.is_problem(400, "validation_failed");
        assert_eq!(answer.json()["errors"][0]["header"], "Idempotency-Key");
    }
    assert_eq!(redeem_keyed(&mut client, &codes[0], "ada", &"x".repeat(255)).status, 201);
}
