//! `/codes/lookup`

use serde_json::{Value, json};

use crate::support::{
    Client, Folder, Request, api_key, campaign, campaign_with_codes, id, redeem, redeem_keyed,
};

fn look_up(client: &mut Client, code: &str) -> Value {
    let answer = client.post("/api/v1/codes/lookup", &json!({ "code": code }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn a_code_has_its_campaign_its_state_and_its_redemptions() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({"uses_per_code": 3}), 2);
    let fresh = look_up(&mut client, &codes[0]);
    let hint = fresh["code_hint"].clone();
    let expected = json!({
        "campaign": {"id": campaign["id"], "name": "Launch", "status": "active"},
        "code_hint": hint, "state": "issued", "uses": 0, "uses_left": 3,
        "holds": [], "redemptions": [],
    });
    assert_eq!(fresh, expected);
    let first = redeem(&mut client, &codes[0], "ada").json();
    let second = redeem_keyed(&mut client, &codes[0], "bob", "k").json();
    assert_eq!(first["code_hint"], hint);
    client.send(Request::new("POST", &format!("/api/v1/campaigns/{}/pause", id(&campaign))));
    let used = look_up(&mut client, &codes[0].to_lowercase());
    assert_eq!(
        (&used["state"], &used["uses"], &used["uses_left"]),
        (&json!("redeemed"), &json!(2), &json!(1))
    );
    assert_eq!(used["redemptions"], json!([second, first]), "the newest first, as answered");
    assert_eq!(used["campaign"]["status"], "paused");
    assert_eq!(look_up(&mut client, &codes[1])["redemptions"], json!([]), "another code");
}

#[test]
fn a_code_without_a_limit_tells_a_hundred_redemptions() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({"uses_per_code": null}), 1);
    let redeemed: Vec<_> =
        (0..103).map(|user| redeem(&mut client, &codes[0], &format!("u{user}")).json()).collect();
    let found = look_up(&mut client, &codes[0]);
    assert_eq!((&found["uses"], &found["uses_left"]), (&json!(103), &Value::Null));
    let newest: Vec<_> = redeemed.into_iter().rev().take(100).collect();
    assert_eq!(found["redemptions"], json!(newest));
}

#[test]
fn what_was_answered_is_found_at_once_and_after_a_kill() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 400);
    std::thread::scope(|scope| {
        for codes in codes.chunks(100) {
            let mut client = server.client();
            scope.spawn(move || {
                for code in codes {
                    let redeemed = redeem(&mut client, code, "ada").json();
                    assert_eq!(look_up(&mut client, code)["redemptions"], json!([redeemed]));
                }
            });
        }
    });
    let before = look_up(&mut server.client(), &codes[7]);
    server.kill();
    let server = folder.start();
    assert_eq!(look_up(&mut server.client(), &codes[7]), before);
}

#[test]
fn unknown_codes_and_wrong_roles_are_refused() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    campaign(&mut client, json!({}));
    for unknown in ["SUMMER-2026", "000000000000-00000000-00000000", &codes[0][..29]] {
        let answer = client.post("/api/v1/codes/lookup", &json!({ "code": unknown }));
        answer.is_problem(404, "invalid_code");
    }
    client.post("/api/v1/codes/lookup", &json!({})).is_invalid_at("/code");
    let body = json!({"code": codes[0], "user_id": "ada"});
    client.post("/api/v1/codes/lookup", &body).is_invalid_at("/user_id");
    client.get("/api/v1/codes/lookup").is_problem(405, "method_not_allowed");
    for (role, status) in [("issuer", 200), ("auditor", 200), ("redeemer", 403), ("public", 403)] {
        let key = api_key(&mut client, role);
        let mut other = Client::new(server.address, Some(&key));
        let answer = other.post("/api/v1/codes/lookup", &json!({ "code": codes[0] }));
        assert_eq!(answer.status, status, "{role}");
    }
}
