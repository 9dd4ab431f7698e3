//! What was revoked is announced.

use serde_json::{Value, json};

use super::slowness::SlowWay;
use super::{folder, start};
use crate::support::{
    Client, Redis, Request, Talk, api_key, campaign_with_codes, id, metric, wait_until,
};

/// What is said next, and on which channel.
fn hear(listener: &mut Talk) -> (String, Value) {
    let text = listener.read().unwrap();
    let words: Vec<&str> = text.splitn(4, '\n').collect();
    assert_eq!(words[0], "pmessage", "{text}");
    (words[2].to_owned(), serde_json::from_str(words[3]).unwrap())
}

fn mark(client: &mut Client, what: &str, code: &str, key: &str) {
    let path = format!("/api/v1/codes/{what}");
    let request = Request::new("POST", &path).header("Idempotency-Key", key);
    let answer = client.send(request.json(&json!({ "code": code, "reason": "lost" })));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn what_is_revoked_is_announced_once_and_as_the_event_that_it_is() {
    let redis = Redis::start();
    let folder = folder(&redis.url());
    let server = start(&folder);
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2);
    let mut listener = Talk::open(redis.port).unwrap();
    listener.ask(&["PSUBSCRIBE", "redeemd:*"]).unwrap();

    mark(&mut client, "revoke", &codes[0], "once");
    // The same request again, and a wish for what is so already, are no news.
    mark(&mut client, "revoke", &codes[0], "once");
    mark(&mut client, "revoke", &codes[0], "twice");
    mark(&mut client, "restore", &codes[0], "back");
    api_key(&mut client, "public");
    let keys = client.get("/api/v1/api-keys?limit=1").json();
    let key = id(&keys["data"][0]);
    for _ in 0..2 {
        let answer = client.send(Request::new("DELETE", &format!("/api/v1/api-keys/{key}")));
        assert_eq!(answer.status, 204);
    }
    mark(&mut client, "revoke", &codes[1], "last");

    let kinds = ["code.revoked", "code.restored", "api_key.revoked", "code.revoked"];
    let heard: Vec<Value> = kinds
        .map(|kind| {
            let (channel, event) = hear(&mut listener);
            assert_eq!(channel, format!("redeemd:{kind}"));
            assert_eq!(event["type"], kind);
            event
        })
        .into();
    let types = "code.revoked,code.restored,api_key.revoked";
    let events = client.get(&format!("/api/v1/events?types={types}")).json();
    let mut events = events["data"].as_array().unwrap().clone();
    let place = |event: &Value| heard.iter().position(|known| known["id"] == event["id"]);
    events.sort_by_key(place);
    assert_eq!(events, heard);
    assert!(heard[2]["api_key"]["id"] == key.as_str(), "{}", heard[2]);
    assert!(heard.iter().all(|event| !event.to_string().contains(&codes[0])));
    let sent = "redeemd_redis_announcements_total{result=\"sent\"}";
    wait_until("they are counted", || metric(&mut server.client(), sent) == 4.0);
}

#[test]
fn what_was_revoked_while_redis_was_away_is_announced_afterwards() {
    let redis = Redis::start();
    let folder = folder(&redis.url());
    let server = start(&folder);
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let mut listener = Talk::open(redis.port).unwrap();
    listener.ask(&["PSUBSCRIBE", "redeemd:*"]).unwrap();
    // A replica of nobody takes no attempts, and keeps its listeners.
    assert_eq!(redis.ask(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    wait_until("it is noticed", || !super::is_used(&server));
    mark(&mut client, "revoke", &codes[0], "once");
    assert_eq!(redis.ask(&["REPLICAOF", "NO", "ONE"]), "OK");
    assert_eq!(hear(&mut listener).0, "redeemd:code.revoked");
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn the_end_waits_for_what_is_to_be_announced_but_not_for_long() {
    let mut redis = Redis::start();
    let folder = folder(&redis.url());
    let server = start(&folder);
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    redis.kill();
    wait_until("it is noticed", || !super::is_used(&server));
    mark(&mut client, "revoke", &codes[0], "once");
    drop(client);
    assert_eq!(server.terminate().code(), Some(0));
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(log.contains("Redis was not told of everything that was revoked"));
}

#[test]
fn an_announcement_that_was_lost_on_its_way_is_made_again() {
    let redis = Redis::start();
    let way = SlowWay::to(redis.port);
    let folder = folder(&format!("redis://127.0.0.1:{}", way.port));
    let server = start(&folder);
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 4);
    let mut listener = Talk::open(redis.port).unwrap();
    listener.ask(&["PSUBSCRIBE", "redeemd:*"]).unwrap();
    // Each time it may be noticed before that nothing arrives; mostly it is not.
    for (number, code) in codes.iter().enumerate() {
        super::wait_until_used(&server);
        way.loses(true);
        mark(&mut client, "revoke", code, &number.to_string());
        wait_until("it is noticed", || !super::is_used(&server));
        way.loses(false);
        assert_eq!(hear(&mut listener).0, "redeemd:code.revoked");
    }
}
