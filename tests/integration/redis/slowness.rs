//! Redis that answers, though later than after the bound.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{assert_counted, attempt, counted, finding, folder, is_used, remaining, start};
use crate::support::{Client, Redis, api_key, wait_until};

/// Later than the bound of these tests, and sooner than anybody would give up.
const LATE: u64 = 400;

/// A way to a server on which each answer takes its time.
struct SlowWay {
    port: u16,
    milliseconds: Arc<AtomicU64>,
}

impl SlowWay {
    /// One that is quick yet.
    fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let milliseconds = Arc::new(AtomicU64::new(0));
        let delay = Arc::clone(&milliseconds);
        // Ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
                let delay = Arc::clone(&delay);
                let at_once = Arc::new(AtomicU64::new(0));
                thread::spawn(move || carry(client, server, &at_once));
                let [client, server] = ends;
                thread::spawn(move || carry(server, client, &delay));
            }
        });
        Self { port, milliseconds }
    }

    /// From now on answers take so long.
    fn takes(&self, milliseconds: u64) {
        self.milliseconds.store(milliseconds, Ordering::Relaxed);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: &AtomicU64) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        thread::sleep(Duration::from_millis(delay.load(Ordering::Relaxed)));
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
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
