//! What it costs to count the attempts of public keys in Redis: redemptions over HTTP with a public
//! key that may ask a million times a second, counted in the server's own memory, in a Redis on this
//! machine, and in one that is gone.
//!
//! `cargo bench --bench redis -- [seconds a round] [rounds] [connections]`. Server, load generator
//! and Redis share the machine. `REDEEMD_BENCH_FOLDER` chooses the disk, `REDEEMD_BENCH_SETTINGS`
//! holds settings of the server.

#![allow(missing_docs, dead_code, clippy::print_stdout, clippy::unwrap_used)]
#![allow(clippy::expect_used, clippy::panic)]

#[path = "../tests/integration/support/guarded.rs"]
mod guarded;
#[path = "../tests/integration/support/redis.rs"]
mod redis;
mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd::client::{Client, Request, ServerProcess};
use redeemd::load::{Load, Pace, Redemptions, Shape};
use redis::Redis;
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many codes are issued for every second of a load: more than two cores redeem.
const CODES_A_SECOND: u64 = 130_000;

/// Where attempts are counted.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Memory,
    Redis,
    Gone,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let number = |place: usize, usual: u64| numbers.get(place).copied().unwrap_or(usual);
    let duration = Duration::from_secs(number(0, 10));
    let connections = usize::try_from(number(2, 64)).unwrap();
    println!("{connections} connections, rounds of {} s", duration.as_secs());
    println!(
        "{:>10} {:>13} {:>6} {:>8} {:>8} {:>10} {:>11}",
        "counted in", "redemptions/s", "ratio", "p50 ms", "p99 ms", "together", "fdatasync/s"
    );
    for _ in 0..number(1, 3) {
        let mut first = None;
        for (name, place) in
            [("memory", Place::Memory), ("Redis", Place::Redis), ("(gone)", Place::Gone)]
        {
            round(name, place, (connections, duration), &mut first);
        }
    }
    ExitCode::SUCCESS
}

fn round(
    name: &str,
    place: Place,
    (connections, duration): (usize, Duration),
    first: &mut Option<f64>,
) {
    let folder = support::folder();
    let redis = Redis::start();
    let mut settings: Vec<String> =
        ["limits.public_requests_per_second=1000000", "limits.public_burst=1000000"]
            .map(str::to_owned)
            .to_vec();
    if place != Place::Memory {
        settings.push(format!("redis.url=redis://127.0.0.1:{}", redis.port));
    }
    let server = support::start_with(folder.path(), &settings);
    let admin = server.admin_key.clone().unwrap();
    let supply = support::supply(&server, &admin, duration.as_secs() * CODES_A_SECOND);
    let key = public_key(&server, &admin);
    let redis = (place != Place::Gone).then_some(redis);
    let syncs = Syncs::rate(folder.path());
    let load = Load {
        target: server.address.into(),
        connections,
        threads: 1,
        pace: Pace::Closed,
        duration,
        patience: Duration::from_secs(60),
    };
    let source = Arc::new(Redemptions::new(Shape::new(), &load.target, &key, supply));
    let taken = load.run(&source, |_| {}).unwrap();
    assert!(taken.tally.broken() == 0 && !taken.ran_out);
    let rate = taken.tally.answers as f64 / taken.elapsed.as_secs_f64();
    let quantile = |part| taken.tally.latency.value_at_quantile(part) as f64 / 1e3;
    println!(
        "{name:>10} {rate:>13.0} {:>6.2} {:>8.2} {:>8.2} {:>9.1}% {syncs:>11.0}",
        rate / *first.get_or_insert(rate),
        quantile(0.5),
        quantile(0.99),
        counted_together(&server) / taken.tally.answers as f64 * 100.0,
    );
    drop(redis);
}

/// An API key as an app has it.
fn public_key(server: &ServerProcess, admin: &str) -> String {
    let mut client = Client::new(server.address).with_key(admin);
    let wish = Request::post("/api/v1/api-keys", r#"{"name":"bench","role":"public"}"#);
    let made = client.send(&wish).unwrap().json().unwrap();
    made["key"].as_str().unwrap().to_owned()
}

/// How many attempts were counted in Redis.
fn counted_together(server: &ServerProcess) -> f64 {
    let page = Client::new(server.address).send(&Request::get("/metrics")).unwrap();
    let page = String::from_utf8_lossy(page.body()).into_owned();
    let name = r#"redeemd_redis_attempts_total{counted="together"} "#;
    page.lines().find_map(|line| line.strip_prefix(name)?.parse().ok()).unwrap_or(0.0)
}

/// What the servers' support waits with; it has a minute.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
