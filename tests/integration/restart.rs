//! Killed, started again, told to end: what was answered stays.

use serde_json::json;

use crate::support::{Client, Folder, Request, campaign_with_codes, id, redeem, redeem_keyed};

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({"reward": {"v": 1}}), 60);
    let firsts: Vec<_> =
        codes[..40].iter().map(|code| redeem_keyed(&mut client, code, "ada", "k")).collect();
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    client.send(Request::new("PATCH", &path).json(&json!({"reward": {"v": 2}})));
    let read = client.get(&path);
    server.kill();

    let server = folder.start();
    assert!(server.facts.iter().all(|fact| !fact.starts_with("admin-key")));
    let mut client = server.client();
    assert_eq!(client.get(&path).text(), read.text());
    for (code, first) in codes.iter().zip(&firsts) {
        let again = redeem_keyed(&mut client, code, "ada", "k");
        assert_eq!((again.status, again.text()), (201, first.text()));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        redeem(&mut client, code, "bob").is_problem(409, "already_redeemed");
        let found = client.get(&format!("/api/v1/redemptions/{}", id(&first.json())));
        assert_eq!(found.text(), first.text());
    }
    let fresh = redeem(&mut client, &codes[50], "ada").json();
    assert_eq!(fresh["reward"]["v"], 2);
    let exported = Request::new("GET", &format!("{path}/codes")).header("Accept", "text/csv");
    assert!(client.send(exported).text().lines().skip(1).eq(codes.iter()), "the same codes");
}

#[test]
fn a_server_ends_when_it_is_told_to_though_clients_stay_connected() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 1);
    let mut idle: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for client in &mut idle {
        assert_eq!(client.get("/health/live").status, 200);
    }
    let first = redeem_keyed(&mut idle[0], &codes[0], "ada", "k");
    let begun = std::time::Instant::now();
    assert!(server.terminate().success());
    assert!(begun.elapsed().as_secs() < 15, "idle connections do not hold it up");
    let server = folder.start();
    let again = redeem_keyed(&mut server.client(), &codes[0], "ada", "k");
    assert_eq!(again.text(), first.text());
}
