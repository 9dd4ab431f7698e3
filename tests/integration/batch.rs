//! `/redemptions/batch`

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, api_key, campaign_with_codes, id, redeem, redeem_keyed,
    wait_until_forgotten,
};

const PATH: &str = "/api/v1/redemptions/batch";

fn item(code: &str, user: &str) -> Value {
    json!({"code": code, "user_id": user})
}

fn keyed(code: &str, user: &str, key: &str) -> Value {
    json!({"code": code, "user_id": user, "idempotency_key": key})
}

fn results(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["results"].as_array().unwrap().clone()
}

fn redeem_batch(client: &mut Client, items: &[Value]) -> Vec<Value> {
    results(&client.post(PATH, &json!({ "redemptions": items })))
}

/// The statuses, with the codes of problems.
fn summary(results: &[Value]) -> Vec<String> {
    let one = |result: &Value| match result["problem"]["code"].as_str() {
        Some(code) => format!("{} {code}", result["status"]),
        None => result["status"].to_string(),
    };
    results.iter().map(one).collect()
}

#[test]
fn a_thousand_codes_are_redeemed_in_order() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({"reward": {"sku": "A"}});
    let (campaign, codes) = campaign_with_codes(&mut client, rules, 1_000);
    let items: Vec<_> =
        codes.iter().enumerate().map(|(n, code)| item(code, &format!("user {n}"))).collect();
    let results = redeem_batch(&mut client, &items);
    assert_eq!(results.len(), 1_000);
    for (place, result) in results.iter().enumerate() {
        assert_eq!(result["status"], 201, "{result}");
        let redemption = &result["redemption"];
        assert_eq!(redemption["user_id"], format!("user {place}"));
        assert_eq!(redemption["reward"], json!({"sku": "A"}));
        assert!(result.get("replayed").is_none() && result.get("problem").is_none());
        if place % 97 == 0 {
            let path = format!("/api/v1/redemptions/{}", id(redemption));
            assert_eq!(client.get(&path).json(), *redemption, "as a single one");
        }
    }
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    assert_eq!(client.get(&path).json()["counts"]["redeemed"], 1_000);
    let again = redeem_batch(&mut client, &items[..3]);
    assert_eq!(summary(&again), ["409 already_redeemed"; 3]);
}

#[test]
fn items_are_independent_and_the_first_of_a_code_wins() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 3);
    let items = [
        item(&codes[0], "ada"),
        item("SUMMER", "ada"),
        json!({"code": codes[1]}),
        item(&codes[0].to_lowercase(), "bob"),
        json!(7),
        json!({"code": codes[1], "user_id": "ada", "user": "ada"}),
        json!({"code": codes[1], "user_id": "ada", "idempotency_key": "é"}),
        json!({"code": codes[2], "user_id": "eve", "metadata": {"n": 1}}),
    ];
    let answer = client.post(PATH, &json!({ "redemptions": items }));
    let results = results(&answer);
    let expected = [
        "201",
        "404 invalid_code",
        "400 validation_failed",
        "409 already_redeemed",
        "400 validation_failed",
        "400 validation_failed",
        "400 validation_failed",
        "201",
    ];
    assert_eq!(summary(&results), expected);
    assert_eq!(results[0]["redemption"]["user_id"], "ada");
    assert_eq!(results[7]["redemption"]["metadata"], json!({"n": 1}));
    for (place, pointer) in [
        (2, "/redemptions/2/user_id"),
        (4, "/redemptions/4"),
        (5, "/redemptions/5/user"),
        (6, "/redemptions/6/idempotency_key"),
    ] {
        assert_eq!(results[place]["problem"]["errors"][0]["pointer"], pointer);
    }
    let problem = &results[3]["problem"];
    let instance = format!("urn:redeemd:request:{}", answer.header("x-request-id").unwrap());
    assert_eq!((&problem["status"], &problem["instance"]), (&json!(409), &json!(instance)));
    for member in ["type", "title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()));
    }
    assert_eq!(redeem(&mut client, &codes[1], "ada").status, 201, "it was not touched");
}

#[test]
fn only_a_broken_envelope_is_refused_as_a_whole() {
    let folder = Folder::new().set("http.body_limit_bytes", "1024");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let good = item(&codes[0], "ada");
    for (body, pointer) in [
        (json!([good]), ""),
        (json!({}), "/redemptions"),
        (json!({"redemptions": []}), "/redemptions"),
        (json!({"redemptions": good}), "/redemptions"),
        (json!({"redemptions": null}), "/redemptions"),
        (json!({"redemptions": vec![0; 1_001]}), "/redemptions"),
        (json!({"redemptions": [good], "dry_run": true}), "/dry_run"),
    ] {
        client.post(PATH, &body).is_invalid_at(pointer);
    }
    let send = |client: &mut Client, body: String| {
        let request = Request::new("POST", PATH).header("Content-Type", "application/json");
        client.send(request.body(body))
    };
    let broken = format!("{{\"redemptions\":[{good},{{]}}");
    send(&mut client, broken).is_problem(400, "malformed_json");
    let padded =
        |length: usize| format!("{:length$}", json!({ "redemptions": [good] }).to_string());
    send(&mut client, padded(8 * 1024 + 1)).is_problem(413, "body_too_large");
    for role in ["issuer", "auditor", "public"] {
        let key = api_key(&mut client, role);
        let mut other = Client::new(server.address, Some(&key));
        other.post(PATH, &json!({ "redemptions": [good] })).is_problem(403, "forbidden");
    }
    client.get(PATH).is_problem(405, "method_not_allowed");
    let key = api_key(&mut client, "redeemer");
    let mut redeemer = Client::new(server.address, Some(&key));
    assert_eq!(summary(&results(&send(&mut redeemer, padded(8 * 1024)))), ["201"]);
}

#[test]
fn repeated_items_get_their_first_answers() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 40);
    let items: Vec<_> = codes.iter().map(|code| item(code, "ada")).collect();
    let mut own = items.clone();
    own[0]["idempotency_key"] = json!("mine");
    let batch = json!({ "redemptions": own });
    let send = |client: &mut Client, key: &str, body: &Value| {
        results(&client.send(Request::new("POST", PATH).header("Idempotency-Key", key).json(body)))
    };
    let first = send(&mut client, "k", &batch);
    assert_eq!(summary(&first), ["201"; 40]);
    for forgotten in [false, true] {
        if forgotten {
            wait_until_forgotten(&mut client);
        }
        let again = send(&mut client, "k", &batch);
        for (again, first) in again.iter().zip(&first) {
            let expected =
                json!({"status": 201, "redemption": first["redemption"], "replayed": true});
            assert_eq!(*again, expected);
        }
        // An item's own key wins, and is the same as that of a single redemption.
        let single = redeem_keyed(&mut client, &codes[0], "ada", "mine");
        assert_eq!((single.status, single.json()), (201, first[0]["redemption"].clone()));
        redeem_keyed(&mut client, &codes[1], "ada", "k").is_problem(409, "already_redeemed");
        // The key of the batch is bound to the place.
        let moved = json!({ "redemptions": [items[1], items[2]] });
        assert_eq!(summary(&send(&mut client, "k", &moved)), ["409 already_redeemed"; 2]);
        let mut other_body = batch.clone();
        other_body["redemptions"][3]["user_id"] = json!("bob");
        let reused = send(&mut client, "k", &other_body);
        assert_eq!(summary(&reused[2..5]), ["201", "422 idempotency_key_reused", "201"]);
    }
}

#[test]
fn of_one_code_with_and_without_keys_the_first_comes_first() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({"uses_per_code": 3}), 1);
    let code = codes[0].as_str();
    redeem_keyed(&mut client, code, "eve", "first");
    wait_until_forgotten(&mut client);
    // Whoever has a key is searched for in the ledger first, and is still not overtaken.
    let items = [
        keyed(code, "ada", "a"),
        item(code, "bob"),
        item(code, "dan"),
        keyed(code, "eve", "first"),
    ];
    let results = redeem_batch(&mut client, &items);
    assert_eq!(summary(&results), ["201", "201", "409 already_redeemed", "201"]);
    assert_eq!(
        (&results[0]["redemption"]["uses_left"], &results[3]["replayed"]),
        (&json!(1), &json!(true))
    );
}
