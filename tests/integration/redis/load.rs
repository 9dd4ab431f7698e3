//! Redis fails over in the middle of load: every attempt is answered, none is counted twice, and
//! nobody is refused who may ask.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::topologies::{cluster, watched_pair};
use super::{
    assert_counted, attempt, counted, finding, folder, is_used, remaining, start, wait_until_used,
};
use crate::support::{Client, Server, api_key, wait_until};

/// How many clients ask all the while.
const CLIENTS: u8 = 2;

/// After how many attempts a client goes on from another address: long before it is refused.
const ATTEMPTS: u64 = 400;

/// Lets clients ask while something happens. Each attempt has to be counted once, by whomever.
fn meanwhile(server: &Server, happens: impl FnOnce(&AtomicU64)) {
    /// Ends the load, however what happens ends.
    struct Ends<'a>(&'a AtomicBool);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let key = &api_key(&mut server.client(), "public");
    let (answered, is_over) = (&AtomicU64::new(0), &AtomicBool::new(false));
    std::thread::scope(|scope| {
        for number in 1..=CLIENTS {
            scope.spawn(move || {
                let _ends = Ends(is_over);
                for network in 0..=u8::MAX {
                    let origin = Ipv4Addr::new(127, 0, network, number);
                    let mut client = Client::new(server.address, Some(key)).at(origin);
                    let begun = Instant::now();
                    for attempts in 1..=ATTEMPTS {
                        if is_over.load(Ordering::Relaxed) {
                            return;
                        }
                        let answer = attempt(&mut client);
                        assert_eq!(answer.status, 200, "{answer:?}");
                        assert_counted(attempts, begun, remaining(&answer));
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let _ends = Ends(is_over);
        happens(answered);
    });
}

/// Waits until so many attempts more were answered.
fn goes_on(answered: &AtomicU64, attempts: u64) {
    let before = answered.load(Ordering::Relaxed);
    wait_until("attempts are answered", || answered.load(Ordering::Relaxed) >= before + attempts);
}

#[test]
fn a_fail_over_of_sentinels_in_the_middle_of_load_refuses_nobody() {
    let (mut former, next, sentinel, password) = watched_pair();
    let folder = folder(&sentinel.url())
        .set("redis.kind", "sentinel")
        .set("redis.sentinel_password", password);
    let server = start(&folder);
    meanwhile(&server, |answered| {
        goes_on(answered, 100);
        former.kill();
        wait_until("it is noticed", || !is_used(&server));
        goes_on(answered, 100);
        wait_until("the replica is the master", || next.ask(&["ROLE"]).starts_with("master"));
        wait_until_used(&server);
        let together = counted(&server, "together");
        wait_until("attempts are counted there", || counted(&server, "together") > together);
    });
    wait_until("all is well", || finding(&server).0.is_empty());
    assert!(next.ask(&["KEYS", "*:attempts:*"]).lines().count() >= usize::from(CLIENTS));
}

#[test]
fn a_node_of_a_cluster_that_is_killed_in_the_middle_of_load_refuses_nobody() {
    let mut nodes = cluster();
    let url = format!("redis://127.0.0.1:{},127.0.0.1:{}", nodes[0].port, nodes[1].port);
    let folder = folder(&url).set("redis.kind", "cluster");
    let server = start(&folder);
    meanwhile(&server, |answered| {
        goes_on(answered, 100);
        nodes[2].kill();
        wait_until("it is noticed", || !is_used(&server));
        goes_on(answered, 100);
        nodes[2].restart();
        wait_until_used(&server);
        let together = counted(&server, "together");
        wait_until("attempts are counted there", || counted(&server, "together") > together);
    });
    wait_until("all is well", || finding(&server).0.is_empty());
}
