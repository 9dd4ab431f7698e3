//! Redis that answers, though later than after the bound.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{assert_counted, attempt, counted, finding, folder, is_used, remaining, start};
use crate::support::{Client, Redis, api_key, wait_until};

/// Later than the bound of these tests, and sooner than anybody would give up.
const LATE: u64 = 400;

/// A way to a server on which each answer takes its time, or nothing arrives.
pub(super) struct SlowWay {
    pub(super) port: u16,
    milliseconds: Arc<AtomicU64>,
    loses: Arc<AtomicBool>,
}

impl SlowWay {
    /// One that is quick yet.
    pub(super) fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let milliseconds = Arc::new(AtomicU64::new(0));
        let loses = Arc::new(AtomicBool::new(false));
        let (delay, lost) = (Arc::clone(&milliseconds), Arc::clone(&loses));
        // Ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
                let (delay, lost) = (Arc::clone(&delay), Arc::clone(&lost));
                thread::spawn(move || carry(client, server, &AtomicU64::new(0), &lost));
                let [client, server] = ends;
                thread::spawn(move || carry(server, client, &delay, &AtomicBool::new(false)));
            }
        });
        Self { port, milliseconds, loses }
    }

    /// From now on whatever is asked is lost, and the connection with it; or it is not any more.
    pub(super) fn loses(&self, loses: bool) {
        self.loses.store(loses, Ordering::Relaxed);
    }

    /// From now on answers take so long.
    fn takes(&self, milliseconds: u64) {
        self.milliseconds.store(milliseconds, Ordering::Relaxed);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: &AtomicU64, lost: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        thread::sleep(Duration::from_millis(delay.load(Ordering::Relaxed)));
        if lost.load(Ordering::Relaxed) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // Whichever way ends takes the other one with it.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn while_redis_is_slow_a_server_counts_for_itself_and_says_so_and_goes_back() {
    let redis = Redis::start();
    let way = SlowWay::to(redis.port);
    let folder = folder(&format!("redis://127.0.0.1:{}", way.port)).set("redis.slow_ms", "200");
    let server = start(&folder);
    let key = api_key(&mut server.client(), "public");
    let mut client = Client::new(server.address, Some(&key));
    let begun = Instant::now();
    for attempts in 1..=10 {
        assert_counted(attempts, begun, remaining(&attempt(&mut client)));
    }

    way.takes(LATE);
    wait_until("it is found", || !is_used(&server));
    // It is looked at again and again, and each look says the same.
    for _ in 0..3 {
        let (found, note) = finding(&server);
        assert_eq!((found.as_str(), note.as_str()), ("redis_slow", "Redis answers too late"));
        let alone = counted(&server, "alone");
        attempt(&mut client);
        assert_eq!(counted(&server, "alone"), alone + 1.0, "nobody waits for it");
        let slow = "redeemd_redis_failures_total{reason=\"slow\"}";
        let looks = crate::support::metric(&mut server.client(), slow);
        wait_until("it is looked at again", || {
            crate::support::metric(&mut server.client(), slow) > looks
        });
    }
    assert_counted(14, begun, remaining(&attempt(&mut client)));

    // It is used again after three quick answers; one may have been on its way.
    let looks = || {
        let stats = redis.ask(&["INFO", "commandstats"]);
        let (_, rest) = stats.split_once("cmdstat_evalsha:calls=").unwrap();
        rest.split(',').next().unwrap().parse::<u64>().unwrap()
    };
    let before = looks();
    way.takes(0);
    wait_until("it is used again", || is_used(&server));
    assert!(looks() >= before + 3, "{} looks", looks() - before);
    assert_eq!(finding(&server).0, "");
    let together = counted(&server, "together");
    assert_counted(15, begun, remaining(&attempt(&mut client)));
    assert_eq!(counted(&server, "together"), together + 1.0);
}

/// The clock of the client of Redis itself would end a wait after a second.
#[test]
fn a_request_that_meets_a_slow_redis_waits_no_longer_than_the_bound() {
    let redis = Redis::start();
    let way = SlowWay::to(redis.port);
    let folder = folder(&format!("redis://127.0.0.1:{}", way.port)).set("redis.slow_ms", "100");
    let server = folder.start();
    let key = api_key(&mut server.client(), "public");
    let mut waits = Vec::new();
    for origin in 1..=20 {
        way.takes(0);
        wait_until("it is used", || is_used(&server));
        way.takes(2_000);
        let address = Ipv4Addr::new(127, 0, 0, origin);
        let mut client = Client::new(server.address, Some(&key)).at(address);
        let begun = Instant::now();
        assert_eq!(attempt(&mut client).status, 200);
        // It may have been known by then that Redis is slow. What was asked is in Redis at once.
        if !redis.ask(&["KEYS", &format!("*:attempts:*:{address}")]).is_empty() {
            waits.push(begun.elapsed());
        }
        if waits.len() == 3 {
            break;
        }
    }
    let quickest = waits.iter().min().expect("some met it");
    assert!(*quickest < Duration::from_millis(700), "{waits:?}");
}
