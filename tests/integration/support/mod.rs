//! What the tests have in common: a server of their own, and a client.

mod answer;
mod certificates;
mod client;
mod client_tools;
mod clock;
mod description;
mod fault_proxy;
mod guarded;
mod pgbouncer;
mod postgres;
mod redis;
mod schema;
mod server;
mod stream;
mod tool;

pub(crate) use answer::Answer;
pub(crate) use certificates::{make_certificates, make_expired_certificate};
pub(crate) use client::{Client, Request, raw};
pub(crate) use client_tools::{client_tools, project, succeed};
pub(crate) use clock::Clock;
pub(crate) use description::Description;
pub(crate) use fault_proxy::{Fault, FaultProxy, Way};
pub(crate) use pgbouncer::PgBouncer;
pub(crate) use postgres::{Database, Postgres, shared_postgres};
pub(crate) use redis::{Redis, Talk};
pub(crate) use schema::{compare, resolve};
pub(crate) use server::{ADMIN_KEY, Folder, Server, fails_to_start};
pub(crate) use stream::{Block, EventStream};

use std::time::{Duration, Instant};
pub(crate) use tool::{Ended, command, run};

use serde_json::{Value, json};

/// Makes a campaign of sealed codes; `rules` are laid over the defaults.
pub(crate) fn campaign(client: &mut Client, rules: Value) -> Value {
    let mut body = json!({ "name": "Launch", "codes": { "kind": "sealed" } });
    for (name, value) in rules.as_object().unwrap() {
        body[name] = value.clone();
    }
    let answer = client.post("/api/v1/campaigns", &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// The identifier of something.
pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// Issues codes.
pub(crate) fn issue(client: &mut Client, campaign: &Value, count: usize) -> Vec<String> {
    let path = format!("/api/v1/campaigns/{}/codes", id(campaign));
    let request = Request::new("POST", &path).header("Accept", "text/csv");
    let answer = client.send(request.json(&json!({ "count": count })));
    assert_eq!(answer.status, 201, "{answer:?}");
    let codes: Vec<_> = answer.text().lines().skip(1).map(str::to_owned).collect();
    assert_eq!(codes.len(), count);
    codes
}

/// A campaign, and codes of it.
pub(crate) fn campaign_with_codes(
    client: &mut Client,
    rules: Value,
    count: usize,
) -> (Value, Vec<String>) {
    let campaign = campaign(client, rules);
    let codes = issue(client, &campaign, count);
    (campaign, codes)
}

/// Redeems a code for a user.
pub(crate) fn redeem(client: &mut Client, code: &str, user: &str) -> Answer {
    client.post("/api/v1/redemptions", &json!({ "code": code, "user_id": user }))
}

/// As [`redeem`], with an idempotency key.
pub(crate) fn redeem_keyed(client: &mut Client, code: &str, user: &str, key: &str) -> Answer {
    let request = Request::new("POST", "/api/v1/redemptions").header("Idempotency-Key", key);
    client.send(request.json(&json!({ "code": code, "user_id": user })))
}

/// A new API key with a role.
pub(crate) fn api_key(client: &mut Client, role: &str) -> String {
    let answer = client.post("/api/v1/api-keys", &json!({ "name": role, "role": role }));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["key"].as_str().unwrap().to_owned()
}

/// Waits until no shard holds a keyed request in memory any more, so that only the ledger can know
/// them.
pub(crate) fn wait_until_forgotten(client: &mut Client) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let page = client.get("/metrics");
        let remembered =
            page.text().lines().filter(|line| line.starts_with("redeemd_sequence_remembered{"));
        if remembered.map(|line| line.rsplit(' ').next().unwrap()).all(|count| count == "0") {
            return;
        }
        assert!(Instant::now() < deadline, "the shards do not forget");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The value of a metric, by its name with its labels.
pub(crate) fn metric(client: &mut Client, name: &str) -> f64 {
    let page = client.get("/metrics");
    let line = page.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no metric {name}: {}", page.text())).parse().unwrap()
}

/// Waits until something is so; it has a minute.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
