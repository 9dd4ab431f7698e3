//! `/api-keys`

use serde_json::{Value, json};

use crate::support::{
    ADMIN_KEY, Answer, Client, Folder, Request, Server, api_key, campaign_with_codes, id, metric,
    redeem, wait_until_forgotten,
};

const PATH: &str = "/api/v1/api-keys";

fn keyed(client: &mut Client, body: &Value, key: &str) -> Answer {
    client.send(Request::new("POST", PATH).header("Idempotency-Key", key).json(body))
}

fn revoke(client: &mut Client, key: &Value) -> Answer {
    client.send(Request::new("DELETE", &format!("{PATH}/{}", id(key))))
}

/// Whether an API key is let in.
fn works(server: &Server, key: &str) -> bool {
    let mut client = Client::new(server.address, Some(key));
    let answer = client.post("/api/v1/validations", &json!({"code": "SUMMER"}));
    assert!([200, 401, 403].contains(&answer.status), "{answer:?}");
    answer.status != 401
}

#[test]
fn a_key_is_shown_once_and_works_at_once() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let made = client.post(PATH, &json!({"name": "Tills", "role": "redeemer"}));
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let body = made.json();
    assert_eq!(made.header("location"), Some(&*format!("{PATH}/{}", id(&body))));
    assert!(id(&body).starts_with("key_") && body["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&body["name"], &body["role"]), (&json!("Tills"), &json!("redeemer")));
    let text = body["key"].as_str().unwrap();
    assert!(text.starts_with("rk_") && text.len() == 46, "{text}");

    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let mut redeemer = Client::new(server.address, Some(text));
    assert_eq!(redeem(&mut redeemer, &codes[0], "ada").status, 201);
    redeemer.get(PATH).is_problem(403, "forbidden");
    let listed = client.get(PATH);
    assert!(!listed.text().contains(text) && !listed.text().contains("rk_"));
    let mut expected = body.clone();
    expected.as_object_mut().unwrap().remove("key");
    assert_eq!(listed.json()["data"][0], expected);
    assert_eq!(listed.json()["data"].as_array().unwrap().len(), 2, "and that of the first start");
}

#[test]
fn a_revoked_key_stops_on_every_thread_at_once() {
    let folder = Folder::new().set("http.workers", "4");
    let server = folder.start();
    let mut client = server.client();
    for round in 0..5 {
        let key = client.post(PATH, &json!({"name": "n", "role": "public"})).json();
        let text = key["key"].as_str().unwrap();
        // Connections are spread over the threads.
        assert!((0..12).all(|_| works(&server, text)), "round {round}");
        let revoked = revoke(&mut client, &key);
        assert_eq!((revoked.status, revoked.body.len()), (204, 0), "{revoked:?}");
        assert!((0..12).all(|_| !works(&server, text)), "round {round}");
        assert_eq!(revoke(&mut client, &key).status, 204, "it is so already");
    }
    let states: Vec<_> = client.get(PATH).json()["data"].as_array().unwrap().clone();
    assert_eq!(states.iter().filter(|key| key["status"] == "revoked").count(), 5);
    for unknown in ["x", "key_", "key_0000000000000000"] {
        let request = Request::new("DELETE", &format!("{PATH}/{unknown}"));
        let missing = client.send(request);
        missing.is_problem(404, "not_found");
        assert_eq!(missing.json()["detail"], "There is no API key with this identifier.");
    }
}

#[test]
fn a_repeated_request_gets_the_same_key() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let body = json!({"name": "Tills", "role": "redeemer"});
    let first = keyed(&mut client, &body, "k");
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, None));
    let text = first.json()["key"].as_str().unwrap().to_owned();
    assert!(works(&server, &text));
    let is_replay = |again: &Answer| {
        assert_eq!((again.status, again.text()), (201, first.text()));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(again.header("cache-control"), Some("no-store"));
    };
    is_replay(&keyed(&mut client, &body, "k"));
    wait_until_forgotten(&mut client);
    is_replay(&keyed(&mut client, &body, "k"));
    for other in
        [json!({"name": "Tills", "role": "admin"}), json!({"name": "Till", "role": "redeemer"})]
    {
        keyed(&mut client, &other, "k").is_problem(422, "idempotency_key_reused");
    }
    let another = keyed(&mut client, &body, "other").json();
    assert_ne!(another["key"], text.as_str(), "another request");
    // The same request of another API key is another one.
    let admin = api_key(&mut client, "admin");
    let mut admin = Client::new(server.address, Some(&admin));
    let theirs = keyed(&mut admin, &body, "k");
    assert_eq!((theirs.status, theirs.header("idempotent-replayed")), (201, None));
    assert_ne!(theirs.json()["key"], text.as_str());
    server.kill();
    let server = folder.start();
    let mut client = server.client();
    is_replay(&keyed(&mut client, &body, "k"));
    revoke(&mut client, &first.json());
    is_replay(&keyed(&mut client, &body, "k"));
    assert!(!works(&server, &text), "a replay lets nothing in again");
}

#[test]
fn the_last_admin_key_cannot_be_revoked() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let first = client.get(PATH).json()["data"][0].clone();
    let refused = revoke(&mut client, &first);
    refused.is_problem(400, "validation_failed");
    assert_eq!(refused.json()["errors"][0]["parameter"], "id");
    let second = client.post(PATH, &json!({"name": "second", "role": "admin"})).json();
    assert_eq!(revoke(&mut client, &first).status, 204, "its own key, with another one left");
    client.get(PATH).is_problem(401, "unauthenticated");
    assert!(!works(&server, ADMIN_KEY));
    let mut client = Client::new(server.address, second["key"].as_str());
    revoke(&mut client, &second).is_problem(400, "validation_failed");
    assert_eq!(client.get(PATH).json()["data"][0]["status"], "active");
}

#[test]
fn keys_are_listed_in_pages_the_newest_first() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let made: Vec<_> = (0..7)
        .map(|n| client.post(PATH, &json!({"name": format!("n{n}"), "role": "public"})).json())
        .collect();
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{PATH}?limit=3{cursor}")).json();
        ids.extend(page["data"].as_array().unwrap().iter().map(id));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(ids.len(), 8);
    let expected: Vec<_> = made.iter().rev().map(id).collect();
    assert_eq!(ids[..7], expected);
    for bad in ["limit=0", "cursor=x", "role=admin"] {
        client.get(&format!("{PATH}?{bad}")).is_problem(400, "validation_failed");
    }
}

#[test]
fn what_is_not_accepted_lets_nobody_in() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    for (body, pointer) in [
        (json!({"role": "admin"}), "/name"),
        (json!({"name": "", "role": "admin"}), "/name"),
        (json!({"name": "x".repeat(201), "role": "admin"}), "/name"),
        (json!({"name": "n"}), "/role"),
        (json!({"name": "n", "role": "Admin"}), "/role"),
        (json!({"name": "n", "role": "owner"}), "/role"),
        (json!({"name": "n", "role": 1}), "/role"),
        (json!({"name": "n", "role": "admin", "key": "rk_mine"}), "/key"),
    ] {
        client.post(PATH, &body).is_invalid_at(pointer);
    }
    for role in ["issuer", "redeemer", "auditor", "public"] {
        let key = api_key(&mut client, role);
        let mut other = Client::new(server.address, Some(&key));
        other.post(PATH, &json!({"name": "n", "role": role})).is_problem(403, "forbidden");
        other.get(PATH).is_problem(403, "forbidden");
        let admin = client.get(PATH).json()["data"].as_array().unwrap().last().unwrap().clone();
        revoke(&mut other, &admin).is_problem(403, "forbidden");
    }
    assert_eq!(client.get(PATH).json()["data"].as_array().unwrap().len(), 5);
}

#[test]
fn whoever_is_not_let_in_keeps_the_connection() {
    let folder = Folder::new();
    let server = folder.start();
    let accepted = "redeemd_http_connections_accepted_total";
    let before = metric(&mut server.client(), accepted);
    let wish = json!({ "code": "NO-SUCH-CODE", "user_id": "ann" });
    for key in [None, Some("rk_nobody-has-this-key-0123456789abcdefghijkl")] {
        let mut client = Client::new(server.address, key);
        for path in ["/redemptions", "/validations", "/redemptions/batch"] {
            for _ in 0..10 {
                let answer = client.post(&format!("/api/v1{path}"), &wish);
                answer.is_problem(401, "unauthenticated");
            }
        }
    }
    // One connection for each client, and one for the metrics.
    assert_eq!(metric(&mut server.client(), accepted), before + 3.0);
}
