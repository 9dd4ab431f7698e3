//! A cluster, and a server that sentinels know.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::{
    assert_counted, attempt, counted, finding, folder, is_used, remaining, start, wait_until_used,
};
use crate::support::{Client, Redis, Talk, api_key, metric, wait_until};

/// Three nodes, each with a third of the slots.
pub(super) fn cluster() -> [Redis; 3] {
    let nodes = [(); 3].map(|()| Redis::start_node());
    for (node, slots) in nodes.iter().zip([("0", "5460"), ("5461", "10922"), ("10923", "16383")]) {
        assert_eq!(node.ask(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]), "OK");
    }
    for node in &nodes[1..] {
        let (port, bus_port) = (node.port.to_string(), node.bus_port.to_string());
        nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port]);
    }
    for node in &nodes {
        wait_until("the cluster is one", || {
            let info = node.ask(&["CLUSTER", "INFO"]);
            let wanted =
                ["cluster_state:ok", "cluster_known_nodes:3", "cluster_slots_assigned:16384"];
            wanted.iter().all(|wanted| info.contains(wanted))
        });
    }
    nodes
}

#[test]
fn a_cluster_counts_and_may_lose_a_node() {
    let mut nodes = cluster();
    let [one, two, _] = nodes.each_ref().map(|node| node.port);
    let url = format!("redis://127.0.0.1:{one},127.0.0.1:{two}");
    let folder = folder(&url).set("redis.kind", "cluster");
    let server = start(&folder);
    let key = api_key(&mut server.client(), "public");
    let begun = Instant::now();
    let mut clients: Vec<Client> = (1..=24)
        .map(|origin| Client::new(server.address, Some(&key)).at(Ipv4Addr::new(127, 0, 0, origin)))
        .collect();
    for round in 1..=5 {
        for client in &mut clients {
            assert_counted(round, begun, remaining(&attempt(client)));
        }
    }
    assert_eq!(counted(&server, "alone"), 0.0);
    let keys = nodes.each_ref().map(|node| node.ask(&["KEYS", "*:attempts:*"]).lines().count());
    assert_eq!(keys.iter().sum::<usize>(), 24);
    assert!(keys.iter().all(|keys| *keys > 0), "each node has some: {keys:?}");

    // One that does not have the first of the keys by which the server looks at Redis.
    let slot: u16 = nodes[0].ask(&["CLUSTER", "KEYSLOT", "redeemd:look:0"]).parse().unwrap();
    let lost = usize::from(slot / 5461 + 1) % 3;
    nodes[lost].kill();
    wait_until("it is found", || finding(&server).0.starts_with("redis_") && !is_used(&server));
    for client in &mut clients {
        assert_counted(6, begun, remaining(&attempt(client)));
    }
    nodes[lost].restart();
    wait_until_used(&server);
    for client in &mut clients {
        assert_counted(7, begun, remaining(&attempt(client)));
    }
}

#[test]
fn a_slot_that_moves_is_followed() {
    let nodes = cluster();
    let url = format!("redis://127.0.0.1:{}", nodes[0].port);
    let folder = folder(&url).set("redis.kind", "cluster");
    let server = start(&folder);
    let key = api_key(&mut server.client(), "public");
    let mut client = Client::new(server.address, Some(&key));
    let begun = Instant::now();
    assert_counted(1, begun, remaining(&attempt(&mut client)));
    let keys = nodes.each_ref().map(|node| node.ask(&["KEYS", "*:attempts:*"]));
    let from = keys.iter().position(|keys| !keys.is_empty()).unwrap();
    let (from, to) = (&nodes[from], &nodes[(from + 1) % 3]);
    let name = keys.concat();
    let slot = from.ask(&["CLUSTER", "KEYSLOT", &name]);
    let [source, target] = [from, to].map(|node| node.ask(&["CLUSTER", "MYID"]));
    to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]);
    from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]);
    let failures = |reason: &str| {
        let name = format!("redeemd_redis_failures_total{{reason=\"{reason}\"}}");
        metric(&mut server.client(), &name)
    };
    let (elsewhere, refused) = (failures("elsewhere"), failures("refused"));
    // While it moves, some are counted by the server alone; nobody is refused, nothing twice.
    assert_counted(2, begun, remaining(&attempt(&mut client)));
    from.ask(&["MIGRATE", "127.0.0.1", &to.port.to_string(), &name, "0", "5000"]);
    assert_counted(3, begun, remaining(&attempt(&mut client)));
    for node in &nodes {
        node.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &target]);
    }
    let mut attempts = 3;
    wait_until("it is counted there", || {
        let before = counted(&server, "together");
        attempts += 1;
        assert_counted(attempts, begun, remaining(&attempt(&mut client)));
        counted(&server, "together") > before
    });
    assert_eq!(to.ask(&["EXISTS", &name]), "1");
    // That is no reason to leave the cluster.
    assert!(failures("elsewhere") > elsewhere);
    assert_eq!(failures("refused"), refused);
}

/// A server, its replica, a sentinel that knows both, and the sentinel's password.
pub(super) fn watched_pair() -> (Redis, Redis, Redis, &'static str) {
    let former = Redis::start();
    let next = Redis::start_with(&["--replicaof", "127.0.0.1", &former.port.to_string()]);
    let password = "hunter2-of-sentinels";
    wait_until("the replica is one", || next.ask(&["ROLE"]).contains("connected"));
    let sentinel = Redis::start_sentinel(&former, password);
    let mut asking = Talk::open(sentinel.port).unwrap();
    asking.ask(&["AUTH", password]).unwrap();
    wait_until("the sentinel knows the replica", || {
        let known = asking.ask(&["SENTINEL", "REPLICAS", "mymaster"]).unwrap();
        known.contains(&next.port.to_string())
    });
    (former, next, sentinel, password)
}

#[test]
fn a_fail_over_is_followed() {
    let (mut former, next, sentinel, password) = watched_pair();
    let folder = folder(&sentinel.url())
        .set("redis.kind", "sentinel")
        .set("redis.sentinel_password", password);
    let server = start(&folder);
    let key = api_key(&mut server.client(), "public");
    let mut client = Client::new(server.address, Some(&key));
    let begun = Instant::now();
    for attempts in 1..=10 {
        assert_counted(attempts, begun, remaining(&attempt(&mut client)));
    }
    assert_eq!(counted(&server, "together"), 10.0);
    former.kill();
    wait_until("it is noticed", || !is_used(&server));
    wait_until("the replica is the master", || next.ask(&["ROLE"]).starts_with("master"));
    wait_until_used(&server);
    assert_counted(11, begun, remaining(&attempt(&mut client)));
    assert_eq!(next.ask(&["KEYS", "*:attempts:*"]).lines().count(), 1);
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(!log.contains(password));
}
