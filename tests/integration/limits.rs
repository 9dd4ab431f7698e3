//! Limits that span codes, under concurrency: what the incumbents' trackers call overrun.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, Server, campaign_with_codes, id, issue, metric, redeem,
    redeem_keyed,
};

const CLIENTS: usize = 64;

/// How many redemptions a campaign counts.
fn redeemed(client: &mut Client, campaign: &Value) -> u64 {
    let answer = client.get(&format!("/api/v1/campaigns/{}", id(campaign)));
    answer.json()["counts"]["redeemed"].as_u64().unwrap()
}

/// Lets many clients take one after another of the codes; what each was answered.
fn race(
    server: &Server,
    codes: &[String],
    send: impl Fn(&mut Client, &str) -> Answer + Sync,
) -> Vec<Answer> {
    let (barrier, next) = (Barrier::new(CLIENTS), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let run = || {
            let mut connection = server.client();
            barrier.wait();
            let mut answers = Vec::new();
            while let Some(code) = codes.get(next.fetch_add(1, Ordering::Relaxed)) {
                answers.push(send(&mut connection, code));
            }
            answers
        };
        let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// How many answers were good ones; all others are this refusal.
fn granted(answers: &[Answer], code: &str) -> usize {
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.is_problem(409, code);
    }
    answers.iter().filter(|answer| answer.status == 201).count()
}

/// WooCommerce 13505, Medusa 16012: a user's limit is overrun by requests at the same time.
#[test]
fn one_user_with_many_codes_at_once_stays_within_the_limit() {
    let folder = Folder::new();
    let server = folder.start();
    let rules = json!({"uses_per_user": 5});
    let (campaign, codes) = campaign_with_codes(&mut server.client(), rules, 640);
    let answers = race(&server, &codes, |connection, code| redeem(connection, code, "ann"));
    assert_eq!(granted(&answers, "user_limit_reached"), 5);
    let mut client = server.client();
    assert_eq!(redeemed(&mut client, &campaign), 5);
    assert_eq!(
        redeem(&mut client, &issue(&mut server.client(), &campaign, 1)[0], "bob").status,
        201
    );
    let wish = json!({"code": codes[639], "user_id": "ann"});
    let valid = client.post("/api/v1/validations", &wish).json();
    assert!(
        valid["code"] == "user_limit_reached" || valid["code"] == "already_redeemed",
        "{valid}"
    );
}

/// Shopware pull request 18716: a campaign's limit is overrun by requests at the same time.
#[test]
fn a_total_that_all_shards_race_for_is_reached_exactly() {
    let folder = Folder::new();
    let server = folder.start();
    let rules = json!({"total_uses": 1_000});
    let (campaign, codes) = campaign_with_codes(&mut server.client(), rules, 1_500);
    let answers = race(&server, &codes, |connection, code| redeem(connection, code, "ann"));
    assert_eq!(granted(&answers, "campaign_limit_reached"), 1_000);
    let mut client = server.client();
    assert_eq!(redeemed(&mut client, &campaign), 1_000);
    let fresh = &issue(&mut client, &campaign, 1)[0];
    let valid = client.post("/api/v1/validations", &json!({"code": fresh})).json();
    assert_eq!(valid, json!({"valid": false, "code": "campaign_limit_reached"}));
    assert!(metric(&mut client, "redeemd_share_grants_total") > 0.0);
}

#[test]
fn the_last_use_is_found_wherever_it_is_lent() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({"total_uses": 40}), 60);
    let (mut granted, mut refusals) = (0, Vec::new());
    for code in &codes {
        let begun = Instant::now();
        let answer = redeem(&mut client, code, "ann");
        if answer.status == 201 {
            granted += 1;
        } else {
            answer.is_problem(409, "campaign_limit_reached");
            assert_eq!(granted, 40, "a use is left somewhere");
            refusals.push(begun.elapsed());
        }
    }
    assert_eq!(granted, 40);
    // That nothing is left is found by asking, and not by waiting. A slow machine takes its time for
    // some.
    refusals.sort();
    assert!(refusals[refusals.len() / 2] < Duration::from_secs(1), "{refusals:?}");
}

#[test]
fn a_larger_limit_opens_and_a_smaller_one_closes() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({"total_uses": 2, "uses_per_user": 1});
    let (campaign, codes) = campaign_with_codes(&mut client, rules, 20);
    let users: Vec<String> = (0..20).map(|number| format!("user-{number}")).collect();
    let mut wishes = codes.iter().zip(&users);
    let mut next = |client: &mut Client| {
        let (code, user) = wishes.next().unwrap();
        redeem(client, code, user)
    };
    let change = |client: &mut Client, limit: u64| {
        let path = format!("/api/v1/campaigns/{}", id(&campaign));
        let etag = client.get(&path).header("etag").unwrap().to_owned();
        let request = Request::new("PATCH", &path).header("If-Match", &etag);
        assert_eq!(client.send(request.json(&json!({"total_uses": limit}))).status, 200);
    };
    assert_eq!(next(&mut client).status, 201);
    assert_eq!(next(&mut client).status, 201);
    next(&mut client).is_problem(409, "campaign_limit_reached");
    change(&mut client, 5);
    assert_eq!([(); 3].map(|()| next(&mut client).status), [201; 3]);
    next(&mut client).is_problem(409, "campaign_limit_reached");
    change(&mut client, 3);
    next(&mut client).is_problem(409, "campaign_limit_reached");
    // Of two limits that are reached, the user's is named.
    redeem(&mut client, &codes[19], &users[0]).is_problem(409, "user_limit_reached");
    assert_eq!(redeemed(&mut client, &campaign), 5);
}

#[test]
fn a_repeated_request_is_no_second_use() {
    let folder = Folder::new();
    let server = folder.start();
    let rules = json!({"uses_per_user": 1, "total_uses": 30});
    let (campaign, codes) = campaign_with_codes(&mut server.client(), rules, 30);
    // Everybody sends everybody's request, so each is sent many times at once.
    let repeated: Vec<String> = codes.iter().flat_map(|code| vec![code.clone(); 8]).collect();
    let answers =
        race(&server, &repeated, |connection, code| redeem_keyed(connection, code, code, "once"));
    let mut ids = BTreeMap::<String, usize>::new();
    for answer in &answers {
        assert_eq!(answer.status, 201, "{answer:?}");
        *ids.entry(id(&answer.json())).or_default() += 1;
    }
    assert_eq!(ids.len(), 30);
    assert!(ids.values().all(|&count| count == 8));
    assert_eq!(redeemed(&mut server.client(), &campaign), 30);
}

#[test]
fn a_batch_stays_within_the_limits() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({"uses_per_user": 3, "total_uses": 10});
    let (campaign, codes) = campaign_with_codes(&mut client, rules, 40);
    let item = |(place, code): (usize, &String)| json!({"code": code, "user_id": format!("u{}", place % 5)});
    let items: Vec<Value> = codes.iter().enumerate().map(item).collect();
    let answer = client.post("/api/v1/redemptions/batch", &json!({"redemptions": items}));
    let results = answer.json();
    let mut by_user = BTreeMap::<String, usize>::new();
    for result in results["results"].as_array().unwrap() {
        if result["status"] == 201 {
            let user = result["redemption"]["user_id"].as_str().unwrap().to_owned();
            *by_user.entry(user).or_default() += 1;
        } else {
            let code = result["problem"]["code"].as_str().unwrap();
            assert!(["user_limit_reached", "campaign_limit_reached"].contains(&code), "{result}");
        }
    }
    assert!(by_user.values().all(|&count| count <= 3), "{by_user:?}");
    assert_eq!(by_user.values().sum::<usize>(), 10);
    assert_eq!(redeemed(&mut client, &campaign), 10);
}

#[test]
fn a_rollback_and_a_release_give_the_use_back_to_user_and_campaign() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({"uses_per_user": 1, "total_uses": 1});
    let (_, codes) = campaign_with_codes(&mut client, rules, 6);
    for pair in codes.chunks(2) {
        let redeemed = redeem(&mut client, &pair[0], "ann");
        assert_eq!(redeemed.status, 201, "{redeemed:?}");
        redeem(&mut client, &pair[1], "ann").is_problem(409, "user_limit_reached");
        redeem(&mut client, &pair[1], "ben").is_problem(409, "campaign_limit_reached");
        let path = format!("/api/v1/redemptions/{}/rollback", id(&redeemed.json()));
        assert_eq!(client.post(&path, &json!({"reason": "returned"})).status, 200);

        let wish = json!({"code": pair[1], "user_id": "ann"});
        let held = client.post("/api/v1/holds", &wish);
        assert_eq!(held.status, 201, "{held:?}");
        redeem(&mut client, &pair[0], "ann").is_problem(409, "user_limit_reached");
        redeem(&mut client, &pair[0], "ben").is_problem(409, "campaign_limit_reached");
        let path = format!("/api/v1/holds/{}", id(&held.json()));
        assert_eq!(client.send(Request::new("DELETE", &path)).status, 204);
    }
    // A hold keeps its part of the limits, and its confirmation needs no other.
    let held = client.post("/api/v1/holds", &json!({"code": codes[0], "user_id": "ann"}));
    assert_eq!(held.status, 201, "{held:?}");
    let path = format!("/api/v1/holds/{}/confirm", id(&held.json()));
    assert_eq!(client.post(&path, &json!({})).status, 201);
    redeem(&mut client, &codes[1], "ben").is_problem(409, "campaign_limit_reached");
}
