//! `/codes/revoke` and `/codes/restore`

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, api_key, campaign_with_codes, id, redeem, redeem_keyed,
    wait_until_forgotten,
};

fn mark(client: &mut Client, what: &str, code: &str) -> Answer {
    client.post(&format!("/api/v1/codes/{what}"), &json!({"code": code, "reason": "lost"}))
}

fn keyed(client: &mut Client, what: &str, code: &str, reason: &str, key: &str) -> Answer {
    let path = format!("/api/v1/codes/{what}");
    let request = Request::new("POST", &path).header("Idempotency-Key", key);
    client.send(request.json(&json!({"code": code, "reason": reason})))
}

fn state(client: &mut Client, code: &str) -> Value {
    client.post("/api/v1/codes/lookup", &json!({ "code": code })).json()["state"].clone()
}

#[test]
fn a_revoked_code_is_refused_until_it_is_restored() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({"uses_per_code": 2}), 1);
    let code = codes[0].as_str();
    redeem(&mut client, code, "ada");
    let revoked = mark(&mut client, "revoke", code);
    assert_eq!(revoked.status, 200, "{revoked:?}");
    let body = revoked.json();
    assert_eq!((&body["campaign_id"], &body["revoked"]), (&campaign["id"], &json!(true)));
    assert_eq!(body["code_hint"].as_str().unwrap().len(), 8);
    assert_eq!(mark(&mut client, "revoke", &code.to_lowercase()).json(), body, "it is so already");
    assert_eq!(state(&mut client, code), "revoked");
    redeem(&mut client, code, "bob").is_problem(410, "revoked");
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    assert_eq!(client.get(&path).json()["counts"]["revoked"], 1);

    let restored = mark(&mut client, "restore", code);
    assert_eq!((restored.status, &restored.json()["revoked"]), (200, &json!(false)));
    assert_eq!(mark(&mut client, "restore", code).json(), restored.json());
    assert_eq!(state(&mut client, code), "redeemed");
    assert_eq!(redeem(&mut client, code, "bob").json()["uses_left"], 0);
    assert_eq!(client.get(&path).json()["counts"]["revoked"], 0);
}

#[test]
fn a_repeated_change_gets_its_first_answer_and_changes_nothing() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2);
    let code = codes[0].as_str();
    // The same key names a redemption, a revocation and something about another code.
    let redeemed = redeem_keyed(&mut client, code, "ada", "k");
    assert_eq!(redeemed.status, 201);
    let first = keyed(&mut client, "revoke", code, "lost", "k");
    assert_eq!((first.status, first.header("idempotent-replayed")), (200, None));
    assert_eq!(keyed(&mut client, "revoke", &codes[1], "lost", "k").status, 200);
    keyed(&mut client, "restore", code, "found", "other");
    for forgotten in [false, true] {
        if forgotten {
            wait_until_forgotten(&mut client);
        }
        let again = keyed(&mut client, "revoke", code, "lost", "k");
        assert_eq!((again.status, again.text()), (200, first.text()));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(state(&mut client, code), "redeemed", "a replay changes nothing");
        keyed(&mut client, "revoke", code, "stolen", "k").is_problem(422, "idempotency_key_reused");
        keyed(&mut client, "restore", code, "lost", "k").is_problem(422, "idempotency_key_reused");
        let again = redeem_keyed(&mut client, code, "ada", "k");
        assert_eq!((again.status, again.text()), (201, redeemed.text()));
    }
    // What changed nothing is not remembered, so it is judged anew.
    assert_eq!(keyed(&mut client, "restore", code, "x", "new").status, 200);
    let fresh = keyed(&mut client, "restore", code, "y", "new");
    assert_eq!((fresh.status, fresh.header("idempotent-replayed")), (200, None));
}

#[test]
fn what_is_not_accepted_changes_nothing() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let path = "/api/v1/codes/revoke";
    for (body, pointer) in [
        (json!({"reason": "x"}), "/code"),
        (json!({"code": codes[0]}), "/reason"),
        (json!({"code": codes[0], "reason": ""}), "/reason"),
        (json!({"code": codes[0], "reason": "x".repeat(501)}), "/reason"),
        (json!({"code": codes[0], "reason": "x", "user_id": "ada"}), "/user_id"),
    ] {
        client.post(path, &body).is_invalid_at(pointer);
    }
    for what in ["revoke", "restore"] {
        mark(&mut client, what, "SUMMER-2026").is_problem(404, "invalid_code");
    }
    for role in ["redeemer", "auditor", "public"] {
        let key = api_key(&mut client, role);
        let mut other = Client::new(server.address, Some(&key));
        mark(&mut other, "revoke", &codes[0]).is_problem(403, "forbidden");
        mark(&mut other, "restore", &codes[0]).is_problem(403, "forbidden");
    }
    assert_eq!(state(&mut client, &codes[0]), "issued");
    let issuer = api_key(&mut client, "issuer");
    let mut issuer = Client::new(server.address, Some(&issuer));
    let body = json!({"code": codes[0], "reason": "ö".repeat(500)});
    assert_eq!(issuer.post(path, &body).status, 200, "the longest reason");
}
