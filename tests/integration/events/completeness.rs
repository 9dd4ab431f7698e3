//! Every event comes, each once and in order, and counts are exact at their position.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{counted, events_after, of_type};
use crate::support::{Folder, campaign_with_codes, id, issue, redeem};

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
