//! What servers share through Redis, with real servers of it.

mod announcements;
mod arithmetic;
mod cost;
mod encryption;
mod load;
mod outages;
mod sharing;
mod slowness;
mod topologies;

use std::time::Instant;

use serde_json::json;

use crate::support::{Answer, Client, Folder, Server, metric, wait_until};

/// The requests that a public key may make at once in these tests; one more each second.
const BURST: u64 = 1_000;

/// A server with these settings of Redis. It waits so long for it that a slow machine does not make
/// Redis slow; only tests of slowness have another bound.
fn folder(url: &str) -> Folder {
    let folder = Folder::new().set("redis.url", url).set("redis.slow_ms", "1000");
    let folder = folder.set("redis.max_retry_delay_seconds", "1");
    let folder = folder.set("limits.public_requests_per_second", "1");
    folder.set("limits.public_burst", &BURST.to_string())
}

/// Starts a server that counts in Redis.
fn start(folder: &Folder) -> Server {
    let server = folder.start();
    wait_until_used(&server);
    server
}

fn is_used(server: &Server) -> bool {
    metric(&mut server.client(), "redeemd_redis_used") == 1.0
}

fn wait_until_used(server: &Server) {
    wait_until("Redis is used", || is_used(server));
}

fn counted(server: &Server, by: &str) -> f64 {
    metric(&mut server.client(), &format!("redeemd_redis_attempts_total{{counted=\"{by}\"}}"))
}

/// What health finds of Redis, and the note beside it.
fn finding(server: &Server) -> (String, String) {
    let health = server.client().get("/health").json();
    let part = &health["parts"]["redis"];
    let text = |name: &str| part[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(part["status"], if part["finding"].is_null() { "healthy" } else { "degraded" });
    (text("finding"), text("note"))
}

fn attempt(client: &mut Client) -> Answer {
    client.post("/api/v1/validations", &json!({ "code": "NO-SUCH-CODE" }))
}

/// How many requests the client has left, as an answer says it.
fn remaining(answer: &Answer) -> u64 {
    let number = |name: &str| answer.header(name).unwrap().parse::<u64>().unwrap();
    assert_eq!(number("ratelimit-limit"), BURST);
    let remaining = number("ratelimit-remaining");
    assert_eq!(number("ratelimit-reset"), BURST - remaining, "one a second");
    remaining
}

/// Insists that of so many attempts since a moment each was counted once: one a second has come back
/// since, and no more.
#[track_caller]
fn assert_counted(attempts: u64, since: Instant, remaining: u64) {
    let missing = BURST - remaining;
    let back = since.elapsed().as_secs() + 1;
    assert!(missing <= attempts, "{missing} of {attempts} are missing: some were counted twice");
    assert!(missing + back >= attempts, "{missing} of {attempts} are missing after {back} s");
}
