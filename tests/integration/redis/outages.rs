//! Redis that is away, hangs, forgets, refuses: each server counts for itself, and goes back.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{
    BURST, assert_counted, attempt, counted, finding, folder, is_used, remaining, start,
    wait_until_used,
};
use crate::support::{Client, Redis, Server, api_key, metric, wait_until};

fn public_client(server: &Server) -> Client {
    Client::new(server.address, Some(&api_key(&mut server.client(), "public")))
}

/// Breaks Redis, and repairs it: meanwhile everybody is answered and counted by the server alone, and
/// health says so. What was counted before, meanwhile and afterwards counts.
#[track_caller]
fn goes_on(
    redis: &mut Redis,
    break_it: impl FnOnce(&mut Redis),
    found: &[&str],
    repair: impl FnOnce(&mut Redis),
) {
    let folder = folder(&redis.url());
    let server = start(&folder);
    let mut client = public_client(&server);
    let begun = Instant::now();
    for _ in 0..20 {
        attempt(&mut client);
    }
    assert_eq!(counted(&server, "together"), 20.0);

    break_it(redis);
    // Nobody has to ask for it to be noticed.
    wait_until("it is found", || found.contains(&finding(&server).0.as_str()));
    assert!(!is_used(&server));
    let alone = counted(&server, "alone");
    for _ in 0..20 {
        assert_eq!(attempt(&mut client).status, 200);
    }
    assert_eq!(counted(&server, "alone") - alone, 20.0);
    assert_counted(41, begun, remaining(&attempt(&mut client)));
    wait_until("the log says it", || {
        let log = std::fs::read_to_string(folder.log()).unwrap();
        log.contains("counts attempts for itself")
    });

    repair(redis);
    wait_until_used(&server);
    assert_eq!(finding(&server).0, "");
    // What this server counted for itself is not forgotten when it counts with others again.
    assert_counted(42, begun, remaining(&attempt(&mut client)));
    assert_eq!(counted(&server, "alone") - alone, 21.0);
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert_eq!(log.matches("counts attempts for itself").count(), 1, "once");
    wait_until("the log says it", || {
        let log = std::fs::read_to_string(folder.log()).unwrap();
        log.contains("attempts are counted in Redis again")
    });
}

#[test]
fn redis_is_killed_and_started_again() {
    goes_on(&mut Redis::start(), Redis::kill, &["redis_away"], Redis::restart);
}

#[test]
fn redis_hangs() {
    goes_on(
        &mut Redis::start(),
        |redis| redis.signal(Signal::STOP),
        &["redis_slow", "redis_away"],
        |redis| redis.signal(Signal::CONT),
    );
}

#[test]
fn redis_is_read_only() {
    goes_on(
        &mut Redis::start(),
        // A replica of nobody.
        |redis| assert_eq!(redis.ask(&["REPLICAOF", "127.0.0.1", "1"]), "OK"),
        &["redis_refused"],
        |redis| assert_eq!(redis.ask(&["REPLICAOF", "NO", "ONE"]), "OK"),
    );
}

#[test]
fn redis_is_full() {
    goes_on(
        &mut Redis::start_with(&["--maxmemory-policy", "noeviction"]),
        |redis| assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "1"]), "OK"),
        &["redis_refused"],
        |redis| assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "0"]), "OK"),
    );
}

#[test]
fn what_redis_forgot_a_server_still_knows() {
    let redis = Redis::start();
    let folder = folder(&redis.url());
    let server = start(&folder);
    let mut client = public_client(&server);
    let begun = Instant::now();
    for round in 1..=50 {
        if round % 20 == 0 {
            assert_eq!(redis.ask(&["FLUSHALL"]), "OK");
            assert_eq!(redis.ask(&["SCRIPT", "FLUSH"]), "OK");
        }
        assert_counted(round, begun, remaining(&attempt(&mut client)));
    }
    assert_eq!((counted(&server, "together"), counted(&server, "alone")), (50.0, 0.0));
}

#[test]
fn a_server_that_never_finds_redis_serves_all_the_same() {
    let mut redis = Redis::start();
    let url = redis.url();
    redis.kill();
    let folder = folder(&url);
    let server = folder.start();
    let mut client = public_client(&server);
    assert_eq!(remaining(&attempt(&mut client)), BURST - 1);
    wait_until("it is found", || finding(&server).0 == "redis_away");
    redis.restart();
    wait_until_used(&server);
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn nobody_waits_for_a_redis_that_hangs() {
    let redis = Redis::start();
    let folder = folder(&redis.url()).set("redis.slow_ms", "20");
    let server = folder.start();
    wait_until("Redis is used", || {
        is_used(&server) && {
            redis.signal(Signal::STOP);
            // A slow machine may have made it slow just before.
            let was_used = is_used(&server);
            if !was_used {
                redis.signal(Signal::CONT);
            }
            was_used
        }
    });
    let mut client = public_client(&server);
    let quickest = (0..20).map(|_| {
        let begun = Instant::now();
        assert_eq!(attempt(&mut client).status, 200);
        begun.elapsed()
    });
    // Far less than what the client of Redis itself would wait.
    let quickest = quickest.min().unwrap();
    assert!(quickest < Duration::from_millis(500), "{quickest:?}");
    assert!(!is_used(&server));
    redis.signal(Signal::CONT);
    wait_until_used(&server);
}

#[test]
fn what_does_not_fit_is_counted_alone() {
    let redis = Redis::start();
    let folder = folder(&redis.url()).set("redis.max_in_flight", "1");
    let server = start(&folder);
    let key = api_key(&mut server.client(), "public");
    let busy = "redeemd_redis_failures_total{reason=\"busy\"}";
    wait_until("somebody comes while another one waits", || {
        wait_until_used(&server);
        let alone = counted(&server, "alone");
        redis.signal(Signal::STOP);
        // The first of them waits for Redis; whoever comes meanwhile does not. On a slow machine it
        // may be known by then that Redis hangs.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let (address, key) = (server.address, &key);
                scope.spawn(move || {
                    let mut client = Client::new(address, Some(key));
                    assert_eq!(attempt(&mut client).status, 200);
                });
            }
        });
        redis.signal(Signal::CONT);
        assert_eq!(counted(&server, "alone"), alone + 4.0);
        metric(&mut server.client(), busy) > 0.0
    });
}
