//! `GET /events` as a stream of server-sent events.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::events::{counted, events_after};
use crate::support::{
    ADMIN_KEY, Block, EventStream, Folder, Request, api_key, campaign_with_codes, id, metric,
    redeem, wait_until,
};

fn take(stream: &mut EventStream, count: usize) -> Vec<Value> {
    (0..count).map(|_| stream.next_event()).collect()
}

#[test]
fn a_stream_is_the_same_as_the_pages_and_goes_on_live() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (launch, codes) = campaign_with_codes(&mut client, json!({"reward": {"a": "b\nc"}}), 300);
    for code in &codes[..200] {
        redeem(&mut client, code, "ada");
    }
    let (before, position) = events_after(&mut client, "limit=1000", "");
    let mut late = EventStream::open(server.address, "?after=now", None);
    assert!(matches!(late.next_block(), Block::Other), "it says at once where it is");
    assert_eq!(late.position, position);
    let mut whole = EventStream::open(server.address, "", None);
    assert_eq!(take(&mut whole, before.len()), before);
    assert_eq!(whole.position, position);
    let query = format!("?campaign_id={}&types=redemption.created", id(&launch));
    let mut chosen = EventStream::open(server.address, &query, None);
    assert_eq!(counted(&take(&mut chosen, 200)).len(), 1);
    for code in &codes[200..] {
        redeem(&mut client, code, "bob");
    }
    let (after, _) = events_after(&mut client, "limit=1000", &position);
    assert_eq!(after.len(), 100);
    let sorted = |mut events: Vec<Value>| {
        events.sort_by_key(id);
        events
    };
    for stream in [&mut late, &mut whole, &mut chosen] {
        assert_eq!(sorted(take(stream, 100)), sorted(after.clone()));
    }
    let sent = metric(&mut client, "redeemd_events_sent_total");
    assert_eq!(sent as usize, before.len() + 200 + 300);
    assert_eq!(metric(&mut client, "redeemd_events_listeners"), 3.0);
    drop((late, whole, chosen));
    wait_until("nobody listens", || metric(&mut client, "redeemd_events_listeners") == 0.0);
}

#[test]
fn a_stream_is_resumed_after_a_kill_without_a_gap() {
    let folder = Folder::new();
    let mut server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 400);
    let mut stream = EventStream::open(server.address, "?types=redemption.created", None);
    let mut seen = Vec::new();
    for codes in codes.chunks(100) {
        let mut client = server.client();
        codes.iter().for_each(|code| assert_eq!(redeem(&mut client, code, "ada").status, 201));
        // Not all of it: the rest comes from another process.
        seen.extend(take(&mut stream, 60));
        let position = stream.position.clone();
        server.kill();
        server = folder.start();
        // The header counts more than the address, which says where it began.
        let query = "?types=redemption.created&after=now";
        stream = EventStream::open(server.address, query, Some(&position));
    }
    seen.extend(take(&mut stream, 160));
    assert_eq!(counted(&seen), [("redemption.created".to_owned(), 400)].into());
}

#[test]
fn streams_end_in_order_with_the_server_and_with_their_key() {
    let folder = Folder::new().set("events.heartbeat_seconds", "1");
    let server = folder.start();
    let mut client = server.client();
    let auditor = api_key(&mut client, "auditor");
    let mut shut_out = EventStream::open_as(&auditor, server.address, "?after=now", None);
    let mut idle = EventStream::open(server.address, "?after=now", None);
    assert!(matches!(idle.next_block(), Block::Other));
    assert!(matches!(idle.next_block(), Block::Other), "a heartbeat");
    let keys = client.get("/api/v1/api-keys").json();
    let path = format!("/api/v1/api-keys/{}", id(&keys["data"][0]));
    assert_eq!(client.send(Request::new("DELETE", &path)).status, 204);
    while !matches!(shut_out.next_block(), Block::End) {}
    let event = idle.next_event();
    assert_eq!(event["type"], "api_key.revoked");
    let begun = Instant::now();
    let ending = std::thread::spawn(move || server.terminate());
    while !matches!(idle.next_block(), Block::End) {}
    assert!(ending.join().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(20), "streams do not hold it up");
}

#[test]
fn a_slow_reader_is_waited_for_and_misses_nothing() {
    let folder = Folder::new().set("events.max_bytes_per_second", "4194304");
    let server = folder.start();
    let mut client = server.client();
    let metadata = json!({"text": "x".repeat(3000)});
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2000);
    let mut slow = EventStream::open(server.address, "?types=redemption.created", None);
    let mut quick = EventStream::open(server.address, "?types=redemption.created", None);
    let wishes: Vec<_> = codes
        .iter()
        .map(|code| json!({"code": code, "user_id": "ada", "metadata": metadata}))
        .collect();
    for wishes in wishes.chunks(250) {
        let answer = client.post("/api/v1/redemptions/batch", &json!({ "redemptions": wishes }));
        assert_eq!(answer.status, 200);
    }
    // Six megabytes and more: beyond what sockets take by themselves, and what a second may have.
    let all = counted(&take(&mut quick, 2000));
    assert_eq!(counted(&take(&mut slow, 2000)), all);
}

#[test]
fn only_so_many_listen() {
    let folder = Folder::new().set("events.max_listeners", "2");
    let server = folder.start();
    let mut client = server.client();
    let open = || EventStream::open_as(ADMIN_KEY, server.address, "?after=now", None);
    let (first, second) = (open(), open());
    assert_eq!((first.status, second.status), (200, 200));
    let refused = Request::new("GET", "/api/v1/events").header("Accept", "text/event-stream");
    let answer = client.send(refused.clone());
    answer.is_problem(503, "overloaded");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(metric(&mut client, "redeemd_events_refused_total"), 1.0);
    assert_eq!(client.get("/api/v1/events").status, 200, "pages are another matter");
    drop(first);
    wait_until("there is room again", || open().status == 200);
    let bad = Request::new("GET", "/api/v1/events?limit=5").header("Accept", "text/event-stream");
    client.send(bad).is_problem(400, "validation_failed");
    let bad = refused.header("Last-Event-ID", "17");
    let answer = client.send(bad);
    answer.is_problem(400, "validation_failed");
    assert_eq!(answer.json()["errors"][0]["header"], "Last-Event-ID");
}
