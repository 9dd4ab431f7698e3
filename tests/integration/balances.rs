//! Codes with a balance: spending, topping up, giving back.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Folder, Request, campaign_with_codes, id, redeem};

fn gift() -> Value {
    json!({"balance": {"currency": "EUR", "minor_units": 5000}})
}

fn spend(client: &mut Client, code: &str, user: &str, minor_units: u64) -> Answer {
    let amount = json!({"minor_units": minor_units});
    let wish = json!({"code": code, "user_id": user, "amount": amount});
    client.post("/api/v1/redemptions", &wish)
}

fn top_up(client: &mut Client, code: &str, amount: &Value) -> Answer {
    let wish = json!({"code": code, "amount": amount, "reason": "bonus"});
    client.post("/api/v1/codes/top-up", &wish)
}

#[test]
fn a_gift_card_is_spent_in_parts_topped_up_and_given_back_and_its_sums_balance() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, gift(), 2);
    let code = codes[0].as_str();
    let first = spend(&mut client, code, "ada", 1_200);
    assert_eq!((first.status, &first.json()["balance_left"]), (201, &json!(3_800)));
    spend(&mut client, code, "bob", 3_801).is_problem(409, "insufficient_balance");
    assert_eq!(
        top_up(&mut client, code, &json!({"minor_units": 200})).json()["balance_left"],
        4_000
    );
    assert_eq!(top_up(&mut client, code, &json!(1)).json()["balance_left"], 4_001);
    let path = format!("/api/v1/redemptions/{}/rollback", id(&first.json()));
    let part = json!({"reason": "one of two", "amount": {"minor_units": 200}});
    let part = client.post(&path, &part).json();
    assert_eq!((&part["status"], &part["balance_left"]), (&json!("redeemed"), &json!(4_201)));
    assert_eq!(part["amount_returned"]["minor_units"], 200);
    let too_much = json!({"reason": "more", "amount": {"minor_units": 1_001}});
    client.post(&path, &too_much).is_problem(409, "insufficient_balance");
    let whole = client.post(&path, &json!({"reason": "all of it"})).json();
    assert_eq!((&whole["status"], &whole["balance_left"]), (&json!("rolled_back"), &json!(5_201)));
    let all = redeem(&mut client, code, "cyd").json();
    assert_eq!((&all["amount"]["minor_units"], &all["balance_left"]), (&json!(5_201), &json!(0)));
    redeem(&mut client, code, "cyd").is_problem(409, "insufficient_balance");
    let found = client.post("/api/v1/codes/lookup", &json!({ "code": code })).json();
    assert_eq!(found["balance_left"], 0);
    assert_eq!(
        client.post("/api/v1/codes/revoke", &json!({"code": code, "reason": "x"})).status,
        200
    );
    top_up(&mut client, code, &json!(1)).is_problem(410, "revoked");
    let much = json!(9_007_199_254_740_991_u64);
    top_up(&mut client, &codes[1], &much).is_problem(400, "validation_failed");
}

#[test]
fn a_gift_card_that_many_spend_at_once_is_never_overspent() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, gift(), 1);
    let code = codes[0].as_str();
    let spent: usize = std::thread::scope(|scope| {
        let server = &server;
        let shop = move |user: usize| {
            let mut client = server.client();
            let tries = (0..10).map(|_| spend(&mut client, code, &user.to_string(), 300).status);
            tries.filter(|&status| status == 201).count()
        };
        let threads: Vec<_> = (0..4).map(|user| scope.spawn(move || shop(user))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(spent, 16, "5,000 is 16 times 300, and 200 are left");
    let validated = client.post("/api/v1/validations", &json!({ "code": code })).json();
    assert_eq!(validated["balance_left"], 200);
}

#[test]
fn amounts_are_only_for_codes_with_a_balance_and_keys_know_them() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, plain) = campaign_with_codes(&mut client, json!({}), 1);
    spend(&mut client, &plain[0], "ada", 5).is_problem(400, "validation_failed");
    top_up(&mut client, &plain[0], &json!(5)).is_problem(400, "validation_failed");
    let (_, codes) = campaign_with_codes(&mut client, gift(), 1);
    let keyed = |minor_units: u64| {
        let amount = json!({"minor_units": minor_units});
        let wish = json!({"code": codes[0], "user_id": "ada", "amount": amount});
        Request::new("POST", "/api/v1/redemptions").header("Idempotency-Key", "k").json(&wish)
    };
    let first = client.send(keyed(100));
    assert_eq!(client.send(keyed(100)).body, first.body);
    client.send(keyed(101)).is_problem(422, "idempotency_key_reused");
    for bad in [json!(100), json!({"minor_units": 0}), json!({"minor_units": 1, "currency": "EUR"})]
    {
        let wish = json!({"code": codes[0], "user_id": "ada", "amount": bad});
        client.post("/api/v1/redemptions", &wish).is_problem(400, "validation_failed");
    }
    let batch = json!({"redemptions": [
        {"code": codes[0], "user_id": "ada", "amount": {"minor_units": 400}},
        {"code": codes[0], "user_id": "bob"},
    ]});
    let results = client.post("/api/v1/redemptions/batch", &batch).json();
    assert_eq!(results["results"][0]["redemption"]["balance_left"], 4_500);
    assert_eq!(results["results"][1]["redemption"]["balance_left"], 0);
}
