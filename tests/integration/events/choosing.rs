//! Which events, and from which position.

use serde_json::{Value, json};

use super::{counted, events_after};
use crate::support::{Client, Folder, api_key, campaign_with_codes, id, redeem};

#[test]
fn events_are_chosen_by_campaign_and_type() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (one, codes) = campaign_with_codes(&mut client, json!({}), 30);
    let (other, others) = campaign_with_codes(&mut client, json!({}), 30);
    for code in codes.iter().chain(&others) {
        redeem(&mut client, code, "ada");
    }
    let of_one = format!("campaign_id={}", id(&one));
    let of_other = format!("campaign_id={}", id(&other));
    for (query, expected) in [
        (of_one.clone(), 32),
        (format!("{of_other}&types=redemption.created"), 30),
        (format!("{of_one}&types=codes.issued,campaign.created"), 2),
        ("types=redemption.created".to_owned(), 60),
        (format!("{of_one}&types=api_key.created"), 0),
    ] {
        for limit in [7, 1000] {
            let (events, _) = events_after(&mut client, &format!("{query}&limit={limit}"), "");
            counted(&events);
            assert_eq!(events.len(), expected, "{query}");
        }
    }
}

#[test]
fn positions_that_are_none_are_refused() {
    let folder = Folder::new();
    let elsewhere = Folder::new();
    let (server, other) = (folder.start(), elsewhere.start());
    let mut client = server.client();
    let (_, foreign) = events_after(&mut other.client(), "limit=10", "");
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    redeem(&mut client, &codes[0], "ada");
    let (_, position) = events_after(&mut client, "limit=10", "");
    let mangled = format!("{position}A");
    for (query, parameter) in [
        (format!("after={foreign}"), "after"),
        (format!("after={mangled}"), "after"),
        ("after=".to_owned(), "after"),
        ("after=5".to_owned(), "after"),
        (format!("after={}", "p".repeat(4000)), "after"),
        ("types=redemption".to_owned(), "types"),
        ("types=".to_owned(), "types"),
        ("campaign_id=camp_0000000000000000".to_owned(), "campaign_id"),
        ("limit=0".to_owned(), "limit"),
        ("cursor=x".to_owned(), "query"),
    ] {
        let answer = client.get(&format!("/api/v1/events?{query}"));
        answer.is_problem(400, "validation_failed");
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
    let (rest, _) = events_after(&mut client, "limit=10", "now");
    assert_eq!(rest, Vec::<Value>::new());
    for (role, status) in [("issuer", 200), ("redeemer", 403), ("auditor", 200), ("public", 403)] {
        let key = api_key(&mut client, role);
        let mut other = Client::new(server.address, Some(&key));
        assert_eq!(other.get("/api/v1/events").status, status, "{role}");
    }
}
