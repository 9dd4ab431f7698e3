//! `GET /events`, page by page.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{
    Client, Folder, Request, api_key, campaign, campaign_with_codes, id, issue, redeem, wait_until,
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

#[test]
fn events_are_chosen_by_campaign_and_type() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (one, codes) = campaign_with_codes(&mut client, json!({}), 30);
    let (other, others) = campaign_with_codes(&mut client, json!({}), 30);
    for code in codes.iter().chain(&others) {
        redeem(&mut client, code, "ada");
    }
    let of_one = format!("campaign_id={}", id(&one));
    let of_other = format!("campaign_id={}", id(&other));
    for (query, expected) in [
        (of_one.clone(), 32),
        (format!("{of_other}&types=redemption.created"), 30),
        (format!("{of_one}&types=codes.issued,campaign.created"), 2),
        ("types=redemption.created".to_owned(), 60),
        (format!("{of_one}&types=api_key.created"), 0),
    ] {
        for limit in [7, 1000] {
            let (events, _) = events_after(&mut client, &format!("{query}&limit={limit}"), "");
            counted(&events);
            assert_eq!(events.len(), expected, "{query}");
        }
    }
}

#[test]
fn nothing_is_left_out_over_kills_and_the_order_of_each_code_is_kept() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "50");
    let mut server = folder.start();
    let (launch, codes) =
        campaign_with_codes(&mut server.client(), json!({"uses_per_code": 100}), 40);
    let (mut seen, mut position, mut done) = (Vec::new(), String::new(), 0);
    for round in 0..4 {
        let mut client = server.client();
        for (place, code) in codes.iter().enumerate() {
            let user = format!("u{round}");
            assert_eq!(redeem(&mut client, code, &user).status, 201);
            done += 1;
            if place % 4 == 0 {
                let marked = json!({"code": code, "reason": user});
                client.post("/api/v1/codes/revoke", &marked);
                client.post("/api/v1/codes/restore", &marked);
            }
            if place == 20 {
                // Some of what was seen is in no commit of the ledger yet when the kill comes.
                let (events, next) = events_after(&mut client, "limit=13", &position);
                seen.extend(events);
                position = next;
            }
        }
        server.kill();
        server = folder.start();
        let mut client = server.client();
        let (events, next) = events_after(&mut client, "limit=50", &position);
        seen.extend(events);
        position = next;
    }
    let counts = counted(&seen);
    assert_eq!(counts["redemption.created"], done);
    assert_eq!((counts["code.revoked"], counts["code.restored"]), (40, 40));
    let (all, _) = events_after(&mut server.client(), "limit=1000", "");
    assert_eq!(counted(&all), counts);
    let mut histories: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in &seen {
        let (hint, what) = match event["type"].as_str().unwrap() {
            "redemption.created" => {
                let redemption = &event["redemption"];
                (&redemption["code_hint"], format!("redeemed by {}", redemption["user_id"]))
            }
            kind @ ("code.revoked" | "code.restored") => {
                (&event["code"]["code_hint"], format!("{kind} for {}", event["code"]["reason"]))
            }
            _ => continue,
        };
        histories.entry(hint.as_str().unwrap().to_owned()).or_default().push(what);
    }
    assert_eq!(histories.len(), codes.len());
    for history in histories.values() {
        let is_marked = history.len() > 4;
        let expected = (0..4).flat_map(|round| {
            let mut steps = vec![format!("redeemed by \"u{round}\"")];
            if is_marked {
                steps.push(format!("code.revoked for \"u{round}\""));
                steps.push(format!("code.restored for \"u{round}\""));
            }
            steps
        });
        assert_eq!(*history, expected.collect::<Vec<_>>());
    }
    let path = format!("/api/v1/campaigns/{}", id(&launch));
    let counts = &server.client().get(&path).json()["counts"];
    assert_eq!(counts["redeemed"], done);
}

#[test]
fn counts_are_exact_at_the_position_that_they_name() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (launch, codes) = campaign_with_codes(&mut client, json!({}), 1200);
    let path = format!("/api/v1/campaigns/{}", id(&launch));
    assert_eq!(launch["counts"]["as_of"], Value::Null);
    let readings = std::thread::scope(|scope| {
        let redeeming: Vec<_> = codes
            .chunks(400)
            .map(|codes| {
                let mut client = server.client();
                scope.spawn(move || {
                    for (place, code) in codes.iter().enumerate() {
                        assert_eq!(redeem(&mut client, code, "ada").status, 201);
                        if place % 10 == 0 {
                            let marked = json!({"code": code, "reason": "x"});
                            client.post("/api/v1/codes/revoke", &marked);
                        }
                    }
                })
            })
            .collect();
        let mut readings = Vec::new();
        while redeeming.iter().any(|thread| !thread.is_finished()) {
            readings.push(client.get(&path).json()["counts"].clone());
            assert!(readings.len() < 100_000, "the redeeming does not end");
            if readings.len() % 8 == 0 {
                issue(&mut client, &launch, 1);
            }
            // The position that an answer names is one to go on from, at once.
            let after = readings.last().unwrap()["as_of"].as_str().unwrap().to_owned();
            let page = client.get(&format!("/api/v1/events?after={after}&limit=1"));
            assert_eq!(page.status, 200, "{page:?}");
            let list = client.get("/api/v1/campaigns").json();
            readings.push(list["data"][0]["counts"].clone());
        }
        readings
    });
    assert!(readings.len() > 4, "{} readings", readings.len());
    let query = format!("campaign_id={}&limit=1000", id(&launch));
    let sums = |events: &[Value]| {
        let counts = counted(events);
        let count = |kind: &str| counts.get(kind).copied().unwrap_or(0) as u64;
        let issued = of_type(events, "codes.issued");
        let issued: u64 = issued.iter().map(|it| it["codes"]["count"].as_u64().unwrap()).sum();
        [issued, count("redemption.created"), count("code.revoked")]
    };
    let (all, _) = events_after(&mut client, &query, "");
    let total = sums(&all);
    assert_eq!(total[1..], [1200, 120]);
    // Some of them, spread over the time.
    for reading in readings.iter().step_by(readings.len() / 16 + 1) {
        let as_of = reading["as_of"].as_str().unwrap();
        let (after, _) = events_after(&mut client, &query, as_of);
        let later = sums(&after);
        let read = ["issued", "redeemed", "revoked"].map(|name| reading[name].as_u64().unwrap());
        for (place, count) in read.into_iter().enumerate() {
            assert_eq!(count + later[place], total[place], "{reading}");
        }
    }
}

#[test]
fn positions_that_are_none_are_refused() {
    let folder = Folder::new();
    let elsewhere = Folder::new();
    let (server, other) = (folder.start(), elsewhere.start());
    let mut client = server.client();
    let (_, foreign) = events_after(&mut other.client(), "limit=10", "");
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    redeem(&mut client, &codes[0], "ada");
    let (_, position) = events_after(&mut client, "limit=10", "");
    let mangled = format!("{position}A");
    for (query, parameter) in [
        (format!("after={foreign}"), "after"),
        (format!("after={mangled}"), "after"),
        ("after=".to_owned(), "after"),
        ("after=5".to_owned(), "after"),
        (format!("after={}", "p".repeat(4000)), "after"),
        ("types=redemption".to_owned(), "types"),
        ("types=".to_owned(), "types"),
        ("campaign_id=camp_0000000000000000".to_owned(), "campaign_id"),
        ("limit=0".to_owned(), "limit"),
        ("cursor=x".to_owned(), "query"),
    ] {
        let answer = client.get(&format!("/api/v1/events?{query}"));
        answer.is_problem(400, "validation_failed");
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
    let (rest, _) = events_after(&mut client, "limit=10", "now");
    assert_eq!(rest, Vec::<Value>::new());
    for (role, status) in [("issuer", 200), ("redeemer", 403), ("auditor", 200), ("public", 403)] {
        let key = api_key(&mut client, role);
        let mut other = Client::new(server.address, Some(&key));
        assert_eq!(other.get("/api/v1/events").status, status, "{role}");
    }
}
