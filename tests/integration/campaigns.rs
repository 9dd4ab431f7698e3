//! `/campaigns`

use serde_json::{Value, json};

use crate::command_line::run;
use crate::support::{Client, Folder, Request, campaign, campaign_with_codes, id, redeem};

fn patch(
    client: &mut Client,
    campaign: &Value,
    body: &Value,
    if_match: Option<&str>,
) -> crate::support::Answer {
    let mut request = Request::new("PATCH", &format!("/api/v1/campaigns/{}", id(campaign)));
    if let Some(tag) = if_match {
        request = request.header("If-Match", tag);
    }
    client.send(request.json(body))
}

fn post(client: &mut Client, campaign: &Value, what: &str) -> crate::support::Answer {
    client.send(Request::new("POST", &format!("/api/v1/campaigns/{}/{what}", id(campaign))))
}

#[test]
fn a_campaign_is_made_and_read_back() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let body = json!({
        "name": "Launch \"day\" ☀", "codes": {"kind": "sealed"}, "uses_per_code": 3,
        "starts_at": "2026-01-01T00:00:00+01:00", "expires_at": "2099-12-31T23:59:59.5Z",
        "reward": {"percent": 20.50, "sku": "A"}, "metadata": {"owner": "ines"},
    });
    let made = client.post("/api/v1/campaigns", &body);
    assert_eq!(made.status, 201);
    let campaign = made.json();
    assert!(id(&campaign).starts_with("camp_"));
    for (name, value) in [
        ("name", json!("Launch \"day\" ☀")),
        ("status", json!("active")),
        ("codes", json!({"kind": "sealed"})),
        ("uses_per_code", json!(3)),
        ("starts_at", json!("2025-12-31T23:00:00.000Z")),
        ("expires_at", json!("2099-12-31T23:59:59.500Z")),
        ("reward", json!({"percent": 20.5, "sku": "A"})),
        ("metadata", json!({"owner": "ines"})),
        ("counts", json!({"issued": 0, "redeemed": 0, "held": 0, "revoked": 0, "as_of": null})),
    ] {
        assert_eq!(campaign[name], value, "{name}");
    }
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    assert_eq!(made.header("location"), Some(path.as_str()));
    let read = client.get(&path);
    assert_eq!(read.status, 200);
    let mut known = read.json();
    // What was just made was not counted.
    assert!(known["counts"]["as_of"].is_string());
    known["counts"]["as_of"] = json!(null);
    assert_eq!(known, made.json());
    assert_eq!(read.header("etag"), made.header("etag"));
}

#[test]
fn counts_are_those_of_all_shards() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 100);
    for code in &codes[..30] {
        assert_eq!(redeem(&mut client, code, "ada").status, 201);
    }
    let read = client.get(&format!("/api/v1/campaigns/{}", id(&campaign))).json();
    let counts = json!({
        "issued": 100, "redeemed": 30, "held": 0, "revoked": 0, "as_of": read["counts"]["as_of"]
    });
    assert_eq!(read["counts"], counts);
}

#[test]
fn campaigns_are_listed_page_by_page() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let empty = client.get("/api/v1/campaigns");
    assert_eq!(empty.json(), json!({"data": [], "next_cursor": null}));
    let mut made: Vec<_> = (0..5).map(|_| id(&campaign(&mut client, json!({})))).collect();
    made.reverse();
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api/v1/campaigns?limit=2{cursor}")).json();
        listed.extend(page["data"].as_array().unwrap().iter().map(id));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, made, "the newest first, each once");
    for query in ["limit=0", "limit=1001", "limit=x", "cursor=x", "limits=1", "limit=1&limit=2"] {
        let answer = client.get(&format!("/api/v1/campaigns?{query}"));
        answer.is_problem(400, "validation_failed");
    }
}

#[test]
fn changes_apply_clear_and_are_guarded() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({"reward": {"a": 1}, "expires_at": "2099-01-01T00:00:00Z"});
    let (campaign, codes) = campaign_with_codes(&mut client, rules, 2);
    let read = client.get(&format!("/api/v1/campaigns/{}", id(&campaign)));
    let tag = read.header("etag").unwrap().to_owned();

    let changed = patch(&mut client, &campaign, &json!({"name": "Other"}), Some(&tag));
    assert_eq!(changed.status, 200, "issuing codes changes no edition: {changed:?}");
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    let stale = patch(&mut client, &campaign, &json!({"name": "Third"}), Some(&tag));
    stale.is_problem(412, "precondition_failed");
    for other in ["\"999\"", "W/\"2\"", "nonsense"] {
        let answer = patch(&mut client, &campaign, &json!({"name": "x"}), Some(other));
        answer.is_problem(412, "precondition_failed");
    }
    let any = patch(&mut client, &campaign, &json!({"uses_per_code": 2}), Some("*"));
    assert_eq!(any.json()["uses_per_code"], 2);

    let cleared = json!({"reward": null, "expires_at": null, "uses_per_code": null});
    let cleared = patch(&mut client, &campaign, &cleared, None).json();
    assert_eq!(
        (&cleared["reward"], &cleared["expires_at"], &cleared["uses_per_code"], &cleared["name"]),
        (&Value::Null, &Value::Null, &Value::Null, &json!("Other"))
    );
    let unlimited = redeem(&mut client, &codes[0], "ada").json();
    assert_eq!(unlimited["uses_left"], Value::Null);
    assert_eq!(redeem(&mut client, &codes[0], "bob").status, 201);

    let window = json!({"starts_at": "2030-01-02T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z"});
    patch(&mut client, &campaign, &window, None).is_invalid_at("/expires_at");
    let unchanged = client.get(&format!("/api/v1/campaigns/{}", id(&campaign))).json();
    assert_eq!(unchanged["starts_at"], Value::Null);
}

#[test]
fn a_paused_campaign_redeems_nothing_and_an_archived_one_stays() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 2);
    for _ in 0..2 {
        let paused = post(&mut client, &campaign, "pause");
        assert_eq!((paused.status, &paused.json()["status"]), (200, &json!("paused")));
        redeem(&mut client, &codes[0], "ada").is_problem(409, "campaign_paused");
    }
    assert_eq!(post(&mut client, &campaign, "resume").json()["status"], "active");
    assert_eq!(redeem(&mut client, &codes[0], "ada").status, 201);
    assert_eq!(post(&mut client, &campaign, "archive").json()["status"], "archived");
    redeem(&mut client, &codes[1], "ada").is_problem(409, "campaign_archived");
    redeem(&mut client, &codes[0], "ada").is_problem(409, "campaign_archived");
    post(&mut client, &campaign, "resume").is_problem(409, "campaign_archived");
    post(&mut client, &campaign, "pause").is_problem(409, "campaign_archived");
    assert_eq!(post(&mut client, &campaign, "archive").status, 200);
    patch(&mut client, &campaign, &json!({"name": "x"}), None).is_problem(409, "campaign_archived");
    let path = format!("/api/v1/campaigns/{}/codes", id(&campaign));
    client.post(&path, &json!({"count": 1})).is_problem(409, "campaign_archived");
}

#[test]
fn there_is_nothing_under_other_identifiers() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let known = id(&campaign(&mut client, json!({})));
    let other_time = known.replacen("camp_0", "camp_1", 1);
    for unknown in ["x", "camp_", "camp_0000000000000000", &other_time, &known.to_uppercase()] {
        let missing = client.get(&format!("/api/v1/campaigns/{unknown}"));
        missing.is_problem(404, "not_found");
        assert_eq!(missing.json()["detail"], "There is no campaign with this identifier.");
        let path = format!("/api/v1/campaigns/{unknown}/codes");
        client.post(&path, &json!({"count": 1})).is_problem(404, "not_found");
        let path = format!("/api/v1/campaigns/{unknown}/pause");
        client.send(Request::new("POST", &path)).is_problem(404, "not_found");
    }
}

#[test]
fn what_a_client_keeps_here_can_be_read_by_every_client() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let reward =
        |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    let mut make = |reward: &str| {
        let body =
            format!("{{\"name\":\"x\",\"codes\":{{\"kind\":\"sealed\"}},\"reward\":{reward}}}");
        let request = Request::new("POST", "/api/v1/campaigns");
        client.send(request.header("Content-Type", "application/json").body(body))
    };
    assert_eq!(make(&reward(64)).status, 201);
    make(&reward(65)).is_invalid_at("/reward");
    make("{\"a\":1,\"a\":2}").is_invalid_at("/reward");
    let list = |arguments: &[&str]| run(server.address, arguments).done().to_owned();
    assert!(list(&["campaign", "list"]).contains("camp_"));
    assert!(list(&["campaign", "list", "--json"]).contains("[[[["));
}
