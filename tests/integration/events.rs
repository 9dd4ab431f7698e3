//! `GET /events`, page by page.

mod choosing;
mod completeness;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{
    Client, Folder, Request, api_key, campaign, campaign_with_codes, id, redeem, wait_until,
};

/// The events after a position, to the end, and the position after them.
pub(crate) fn events_after(client: &mut Client, query: &str, after: &str) -> (Vec<Value>, String) {
    let (mut all, mut position) = (Vec::new(), after.to_owned());
    loop {
        let from = if position.is_empty() { String::new() } else { format!("&after={position}") };
        let answer = client.get(&format!("/api/v1/events?{query}{from}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        let next = page["next_cursor"].as_str().unwrap().to_owned();
        if next == position {
            return (all, position);
        }
        position = next;
    }
}

/// Insists that no event comes twice, and gives how many there are of each type.
pub(crate) fn counted(events: &[Value]) -> BTreeMap<String, usize> {
    let ids: BTreeSet<_> = events.iter().map(id).collect();
    assert_eq!(ids.len(), events.len(), "an event came twice");
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event["type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

fn of_type<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

#[test]
fn everything_that_changed_something_is_an_event() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (one, codes) = campaign_with_codes(&mut client, json!({"reward": {"line": "a\nb"}}), 3);
    let redeemed = redeem(&mut client, &codes[0], "zoë \"z\"").json();
    redeem(&mut client, &codes[0], "bob").is_problem(409, "already_redeemed");
    let marked = json!({"code": codes[1], "reason": "leaked"});
    for path in ["revoke", "revoke", "restore"] {
        assert_eq!(client.post(&format!("/api/v1/codes/{path}"), &marked).status, 200);
    }
    let path = format!("/api/v1/campaigns/{}", id(&one));
    let changed = client.send(Request::new("PATCH", &path).json(&json!({"name": "Second"})));
    assert_eq!(changed.status, 200);
    client.send(Request::new("POST", &format!("{path}/pause")));
    let imported = campaign(&mut client, json!({"codes": {"kind": "imported"}}));
    let rows = Request::new("POST", &format!("/api/v1/campaigns/{}/codes/import", id(&imported)));
    let rows = rows.header("Content-Type", "text/csv").body("code\nWELCOME-1\nWELCOME-2\n,\n");
    assert_eq!(client.send(rows).status, 200);
    let auditor = api_key(&mut client, "auditor");
    let keys = client.get("/api/v1/api-keys").json();
    let key = keys["data"][0].clone();
    let last = Request::new("DELETE", &format!("/api/v1/api-keys/{}", id(&key)));
    assert_eq!(client.send(last).status, 204);

    let (events, position) = events_after(&mut client, "limit=1000", "");
    let counts = counted(&events);
    let expected = [
        ("api_key.created", 2),
        ("api_key.revoked", 1),
        ("campaign.created", 2),
        ("campaign.updated", 2),
        ("code.restored", 1),
        ("code.revoked", 1),
        ("codes.imported", 1),
        ("codes.issued", 1),
        ("redemption.created", 1),
    ];
    for (kind, count) in expected {
        assert_eq!(counts.get(kind), Some(&count), "{kind} in {counts:?}");
    }
    assert_eq!(of_type(&events, "redemption.created")[0]["redemption"], redeemed);
    let revoked = of_type(&events, "code.revoked")[0];
    assert_eq!(revoked["code"]["reason"], "leaked");
    assert_eq!(revoked["campaign_id"], one["id"]);
    let updated = of_type(&events, "campaign.updated");
    assert_eq!(updated[0]["campaign"]["name"], "Second");
    assert_eq!(updated[1]["campaign"]["status"], "paused");
    let brought = of_type(&events, "codes.imported")[0];
    assert_eq!(brought["import"], json!({"imported": 2, "duplicates": 0, "rejected": 1}));
    let listed = of_type(&events, "codes.listed");
    assert_eq!(listed.iter().map(|it| it["codes"]["count"].as_u64().unwrap()).sum::<u64>(), 2);
    let issued = of_type(&events, "codes.issued")[0];
    assert_eq!(issued["codes"], json!({"count": 3, "first_index": 0}));
    let made = of_type(&events, "api_key.created");
    assert_eq!(made[0]["api_key_id"], Value::Null, "the server itself let the first key in");
    assert_eq!(made[1]["api_key_id"], made[0]["api_key"]["id"]);
    assert_eq!(of_type(&events, "api_key.revoked")[0]["api_key"], made[1]["api_key"]);
    // What a refusal left is nothing, and no secret stands anywhere.
    let text = serde_json::to_string(&events).unwrap();
    for secret in codes.iter().map(String::as_str).chain([auditor.as_str(), "WELCOME"]) {
        assert!(!text.contains(secret), "{secret}");
    }
    // The same from any page on, and the same again.
    for limit in [1, 7] {
        let (again, end) = events_after(&mut client, &format!("limit={limit}"), "");
        assert_eq!((again, &end), (events.clone(), &position));
    }
    let (rest, _) = events_after(&mut client, "limit=5", &position);
    assert_eq!(rest, Vec::<Value>::new());
}

#[test]
fn holds_rollbacks_and_money_are_events_and_holds_are_counted_exactly() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let balance = json!({"currency": "EUR", "minor_units": 5000});
    let (gift, cards) = campaign_with_codes(&mut client, json!({ "balance": balance }), 2);
    let (plain, codes) = campaign_with_codes(&mut client, json!({}), 5);
    let post = |client: &mut Client, path: &str, body: Value| {
        let answer = client.post(&format!("/api/v1/{path}"), &body);
        assert!((200..300).contains(&answer.status), "{answer:?}");
        answer.json()
    };
    let hold = |client: &mut Client, code: &str, seconds: u64| {
        post(client, "holds", json!({"code": code, "user_id": "ada", "ttl_seconds": seconds}))
    };
    let amount = |minor_units: u64| json!({ "minor_units": minor_units });
    let wish = json!({"code": cards[0], "user_id": "ada", "amount": amount(3000)});
    let spent = post(&mut client, "redemptions", wish);
    let undo = format!("redemptions/{}/rollback", id(&spent));
    post(&mut client, &undo, json!({"reason": "part", "amount": amount(1000)}));
    post(&mut client, &undo, json!({"reason": "whole"}));
    let more = json!({"code": cards[0], "reason": "gift", "amount": amount(700)});
    post(&mut client, "codes/top-up", more);
    let confirmed = hold(&mut client, &codes[0], 600);
    hold(&mut client, &codes[0], 700);
    post(&mut client, &format!("holds/{}/confirm", id(&confirmed)), json!({}));
    let released = hold(&mut client, &codes[1], 600);
    let path = format!("/api/v1/holds/{}", id(&released));
    assert_eq!(client.send(Request::new("DELETE", &path)).status, 204);
    let kept = hold(&mut client, &codes[2], 600);
    let expired = hold(&mut client, &codes[3], 1);
    let counts = client.get(&format!("/api/v1/campaigns/{}", id(&plain))).json()["counts"].clone();

    let query = format!("campaign_id={}&limit=1000", id(&plain));
    wait_until("the hold's expiry is an event", || {
        !of_type(&events_after(&mut client, &query, "").0, "holds.expired").is_empty()
    });
    let (events, _) = events_after(&mut client, &query, "");
    assert_eq!(of_type(&events, "holds.expired")[0]["holds"][0]["id"], expired["id"]);
    assert_eq!(of_type(&events, "hold.released")[0]["hold"]["id"], released["id"]);
    assert_eq!(of_type(&events, "hold.prolonged")[0]["hold"]["id"], confirmed["id"]);
    assert_eq!(of_type(&events, "hold.placed")[2]["hold"]["id"], kept["id"]);
    assert_eq!(of_type(&events, "redemption.created")[0]["ends_hold"], true);
    let held = |events: &[Value]| {
        let changes = events.iter().map(|event| match event["type"].as_str().unwrap() {
            "hold.placed" => 1,
            "hold.released" => -1,
            "holds.expired" => -(event["holds"].as_array().unwrap().len() as i64),
            "redemption.created" if event["ends_hold"] == true => -1,
            _ => 0,
        });
        changes.sum::<i64>()
    };
    let (later, _) = events_after(&mut client, &query, counts["as_of"].as_str().unwrap());
    assert_eq!(counts["held"].as_i64().unwrap() + held(&later), held(&events));
    assert_eq!(held(&events), 1);

    let query = format!("campaign_id={}&limit=1000", id(&gift));
    let (events, _) = events_after(&mut client, &query, "");
    let part = &of_type(&events, "redemption.partly_rolled_back")[0]["rollback"];
    assert_eq!((&part["amount"], &part["balance_left"]), (&amount(1000), &json!(3000)));
    let whole = &of_type(&events, "redemption.rolled_back")[0]["rollback"];
    assert_eq!((&whole["amount"], &whole["redemption_id"]), (&amount(2000), &spent["id"]));
    let topped_up = &of_type(&events, "code.topped_up")[0]["top_up"];
    assert_eq!((&topped_up["reason"], &topped_up["balance_left"]), (&json!("gift"), &json!(5700)));
}
