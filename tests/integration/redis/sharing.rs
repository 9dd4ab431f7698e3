//! Servers that count together.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::{BURST, assert_counted, attempt, counted, finding, folder, remaining, start};
use crate::support::{Client, Folder, Redis, Server, api_key, metric};

/// Two servers that know the same API keys: one is a copy of the other's data directory.
fn twins(url: &str) -> (Folder, Folder, String) {
    let (first, second) = (folder(url), folder(url));
    let server = first.start();
    let key = api_key(&mut server.client(), "public");
    server.terminate();
    let status = std::process::Command::new("cp")
        .arg("-a")
        .args([first.data(), first.secret(), second.path().to_owned()])
        .status();
    assert!(status.unwrap().success());
    (first, second, key)
}

fn client(server: &Server, key: &str) -> Client {
    Client::new(server.address, Some(key))
}

#[test]
fn two_servers_share_a_limit_and_no_attempt_counts_twice() {
    let redis = Redis::start();
    let (first, second, key) = twins(&redis.url());
    let servers = [start(&first), start(&second)];
    let mut clients = servers.each_ref().map(|server| client(server, &key));
    let begun = Instant::now();
    let mut attempts = 0;
    for round in 0..60 {
        let answer = attempt(&mut clients[round % 2]);
        attempts += 1;
        assert_eq!(answer.status, 200);
        assert_counted(attempts, begun, remaining(&answer));
    }
    // Who asks from elsewhere is somebody else, for both of them.
    let mut elsewhere = client(&servers[0], &key).at(Ipv4Addr::new(127, 0, 0, 2));
    assert_eq!(remaining(&attempt(&mut elsewhere)), BURST - 1);
    for server in &servers {
        assert_eq!(counted(server, "alone"), 0.0);
        assert_eq!(finding(server).0, "");
    }
    assert_eq!(counted(&servers[0], "together") + counted(&servers[1], "together"), 61.0);
    // One key for each client, which lives only as long as it says anything.
    let keys = redis.ask(&["KEYS", "*:attempts:*"]);
    assert_eq!(keys.lines().count(), 2, "{keys}");
    for name in keys.lines() {
        assert!(name.starts_with("redeemd:attempts:key_") && !name.contains(&key), "{name}");
        let lives: u64 = redis.ask(&["PTTL", name]).parse().unwrap();
        assert!((1..=61_000).contains(&lives), "{lives}");
    }
}

#[test]
fn who_is_refused_by_one_is_refused_by_the_other() {
    let redis = Redis::start();
    let (first, second, key) = twins(&redis.url());
    let (first, second) =
        (first.set("limits.public_burst", "5"), second.set("limits.public_burst", "5"));
    let servers = [start(&first), start(&second)];
    let mut clients = servers.each_ref().map(|server| client(server, &key));
    let begun = Instant::now();
    let statuses: Vec<u16> = (0..40).map(|round| attempt(&mut clients[round % 2]).status).collect();
    let admitted = statuses.iter().filter(|status| **status == 200).count() as u64;
    assert!((5..=5 + begun.elapsed().as_secs() + 1).contains(&admitted), "{statuses:?}");
    for server in &servers {
        assert!(metric(&mut server.client(), "redeemd_rate_limited_total") > 0.0);
    }
}

#[test]
fn a_restart_forgets_nothing() {
    let redis = Redis::start();
    let folder = folder(&redis.url());
    let server = start(&folder);
    let key = api_key(&mut server.client(), "public");
    let begun = Instant::now();
    for _ in 0..50 {
        attempt(&mut client(&server, &key));
    }
    server.terminate();
    let server = start(&folder);
    assert_counted(51, begun, remaining(&attempt(&mut client(&server, &key))));
}

#[test]
fn a_user_with_few_rights_is_enough_and_its_password_is_nowhere() {
    let redis = Redis::start();
    let rules = "on >hunter2-of-redis ~shop:* &shop:* +evalsha +eval +get +set +time +publish";
    let words: Vec<&str> =
        ["ACL", "SETUSER", "redeemd"].into_iter().chain(rules.split(' ')).collect();
    redis.ask(&words);
    let url = format!("redis://redeemd:hunter2-of-redis@127.0.0.1:{}/3", redis.port);
    let folder = folder(&url).set("redis.prefix", "shop");
    let server = folder.start();
    // Another database needs one more right.
    crate::support::wait_until("it is refused", || finding(&server).0 == "redis_refused");
    assert!(finding(&server).1.contains("select"), "{:?}", finding(&server));
    redis.ask(&["ACL", "SETUSER", "redeemd", "+select"]);
    super::wait_until_used(&server);
    let key = api_key(&mut server.client(), "public");
    assert_eq!(remaining(&attempt(&mut client(&server, &key))), BURST - 1);
    assert!(redis.ask(&["INFO", "keyspace"]).contains("db3:"));
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(!log.contains("hunter2"));
    assert!(!server.client().get("/health").text().contains("hunter2"));
}
