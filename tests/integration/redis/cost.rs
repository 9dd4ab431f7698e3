//! What an attempt costs Redis: one script on one key, whatever happened before.

use std::collections::BTreeMap;

use super::{BURST, attempt, counted, folder, start};
use crate::support::{Client, Redis, api_key};

/// How often each command was carried out, but for what connecting takes.
fn commands(redis: &Redis) -> BTreeMap<String, u64> {
    let stats = redis.ask(&["INFO", "commandstats"]);
    let lines = stats.lines().filter_map(|line| line.trim().strip_prefix("cmdstat_"));
    let counts = lines.map(|line| {
        let (name, numbers) = line.split_once(":calls=").unwrap();
        (name.to_owned(), numbers.split(',').next().unwrap().parse().unwrap())
    });
    counts.collect()
}

#[test]
fn an_attempt_is_one_script_on_one_key_however_many_there_were() {
    let redis = Redis::start();
    let folder = folder(&redis.url());
    let server = start(&folder);
    let key = api_key(&mut server.client(), "public");
    let mut client = Client::new(server.address, Some(&key));
    attempt(&mut client);
    let name = redis.ask(&["KEYS", "*:attempts:*"]);
    let size = || redis.ask(&["MEMORY", "USAGE", &name]).parse::<u64>().unwrap();
    let (before, small) = (commands(&redis), size());
    // All that a client may ask, and some more, which are refused.
    for _ in 0..BURST + 50 {
        attempt(&mut client);
    }
    assert_eq!(counted(&server, "alone"), 0.0);
    let large = size();
    assert!(small < 300 && large <= small + 64, "{small} bytes became {large}");
    let after = commands(&redis);
    let ran = |name: &str| {
        let count = |counts: &BTreeMap<String, u64>| counts.get(name).copied().unwrap_or(0);
        count(&after) - count(&before)
    };
    // One each, and one for each second in which the server looks at Redis.
    let scripts = ran("evalsha");
    assert!((BURST + 50..BURST + 350).contains(&scripts), "{scripts} scripts");
    assert_eq!(ran("get"), scripts, "{after:?}");
    assert!(ran("set") <= scripts, "{after:?}");
    // What looks through keys, or takes the longer the more there is, is never asked.
    let known = ["evalsha", "eval", "get", "set", "time"];
    let of_the_test = ["info", "keys", "memory|usage"];
    let of_connecting = ["hello", "client|setinfo", "client|setname", "select", "auth", "ping"];
    for name in after.keys() {
        let name = name.as_str();
        let is_known = [&known[..], &of_the_test, &of_connecting].concat().contains(&name);
        assert!(is_known, "{name} was asked");
    }
    assert_eq!(after.get("keys"), Some(&1), "by the test alone");
}
