//! `redeemd campaign`

use std::fs;

use serde_json::{Value, json};

use super::run;
use crate::support::{Folder, id};

#[test]
fn a_campaign_is_made_read_and_changed() {
    let folder = Folder::new();
    let server = folder.start();
    let run = |arguments: &[&str]| run(server.address, arguments);
    let reward = folder.path().join("reward.json");
    fs::write(&reward, r#"{"price": 1.10}"#).unwrap();
    let reward = format!("@{}", reward.display());
    let made = run(&[
        "campaign",
        "create",
        "--json",
        "--name",
        "Launch \"1\"",
        "--reward",
        &reward,
        "--metadata",
        r#"{"team":"x"}"#,
        "--uses-per-code",
        "unlimited",
        "--starts-at",
        "2026-01-01T00:00:00Z",
        "--expires-at",
        "2036-01-01T01:00:00+01:00",
    ]);
    let made = made.json();
    let campaign = id(&made);
    assert_eq!(made["name"], "Launch \"1\"");
    assert_eq!(made["uses_per_code"], Value::Null);
    assert_eq!(made["expires_at"], "2036-01-01T00:00:00.000Z");
    assert_eq!(
        (&made["reward"], &made["metadata"]),
        (&json!({"price":1.10}), &json!({"team":"x"}))
    );

    let shown = run(&["campaign", "show", &campaign, "--json"]);
    let mut known = shown.json();
    known["counts"]["as_of"] = Value::Null;
    assert_eq!(known, made);
    assert!(shown.out.contains("1.10"), "numbers stay as they were written: {}", shown.out);
    let shown = run(&["campaign", "show", &campaign]);
    let first: Vec<_> = shown.done().lines().take(3).collect();
    assert_eq!(first[0].split_whitespace().collect::<Vec<_>>(), ["id", campaign.as_str()]);
    let tag = shown.out.split_once("version ").unwrap().1.split(';').next().unwrap();

    let changed = run(&[
        "campaign",
        "update",
        &campaign,
        "--json",
        "--if-match",
        tag,
        "--name",
        "Second",
        "--reward",
        "none",
        "--starts-at",
        "none",
        "--uses-per-code",
        "3",
    ]);
    let changed = changed.json();
    assert_eq!((&changed["name"], &changed["uses_per_code"]), (&"Second".into(), &3.into()));
    assert_eq!((&changed["reward"], &changed["starts_at"]), (&Value::Null, &Value::Null));
    assert_eq!(changed["metadata"], made["metadata"], "what is not named stays");
    let again = run(&["campaign", "update", &campaign, "--if-match", tag, "--name", "Third"]);
    again.failed(1, "precondition_failed: ");
    run(&["campaign", "update", &campaign]).failed(2, "nothing to change");

    for (action, status) in [("pause", "paused"), ("resume", "active"), ("archive", "archived")] {
        assert_eq!(run(&["campaign", action, &campaign, "--json"]).json()["status"], status);
    }
    run(&["campaign", "resume", &campaign]).failed(1, "campaign_archived: ");
    run(&["campaign", "show", "camp_none"]).failed(1, "not_found: ");
    let malformed = run(&["campaign", "show", "../api-keys"]);
    assert_eq!(malformed.code, 2, "{malformed:?}");
}

#[test]
fn campaigns_are_listed() {
    let folder = Folder::new();
    let server = folder.start();
    let run = |arguments: &[&str]| run(server.address, arguments);
    for name in ["first", "second", "third"] {
        run(&["campaign", "create", "--name", name]).done();
    }
    let listed = run(&["campaign", "list", "--json"]);
    let listed: Vec<Value> =
        listed.done().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[2]["name"], "first", "the newest comes first");
    assert_eq!(run(&["campaign", "list", "--json", "--limit", "2"]).done().lines().count(), 2);
    let table = run(&["campaign", "list"]);
    let lines: Vec<_> = table.done().lines().collect();
    assert!(lines[0].starts_with("ID ") && lines[0].ends_with("NAME"), "{table:?}");
    assert!(lines[2].ends_with("  second") && lines[2].contains(&id(&listed[1])));
}

#[test]
fn rules_are_made_shown_and_cleared() {
    let folder = Folder::new();
    let server = folder.start();
    let run = |arguments: &[&str]| run(server.address, arguments);
    let made = run(&[
        "campaign",
        "create",
        "--json",
        "--name",
        "Lunch",
        "--uses-per-user",
        "1/day@Europe/Berlin",
        "--total-uses",
        "10000",
        "--balance",
        "5000:EUR",
        "--window",
        "mon-fri,11:30-14:00@Europe/Berlin",
        "--window",
        "sat,22:00-02:00",
    ]);
    let made = made.json();
    let campaign = id(&made);
    let daily = json!({"limit": 1, "per": "day", "time_zone": "Europe/Berlin"});
    let windows = json!([
        {
            "weekdays": ["mon", "tue", "wed", "thu", "fri"],
            "from": "11:30", "to": "14:00", "time_zone": "Europe/Berlin",
        },
        {"weekdays": ["sat"], "from": "22:00", "to": "02:00", "time_zone": "UTC"},
    ]);
    assert_eq!((&made["uses_per_user"], &made["windows"]), (&daily, &windows));
    assert_eq!(made["balance"], json!({"currency": "EUR", "minor_units": 5000}));
    assert_eq!((&made["total_uses"], &made["uses_per_code"]), (&10000.into(), &Value::Null));

    let shown = run(&["campaign", "show", &campaign]);
    let rows: Vec<Vec<_>> =
        shown.done().lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        &["uses_per_user.per", "day"][..],
        &["balance.minor_units", "5000"],
        &["total_uses", "10000"],
        &["mon,tue,wed,thu,fri", "11:30", "14:00", "Europe/Berlin"],
    ] {
        assert!(rows.iter().any(|known| known == row), "{row:?}: {}", shown.out);
    }

    let update =
        |arguments: &[&str]| run(&[&["campaign", "update", &campaign], arguments].concat());
    let changed = update(&["--json", "--uses-per-user", "2", "--window", "none"]).json();
    assert_eq!((&changed["uses_per_user"], &changed["windows"]), (&2.into(), &Value::Null));
    let none = ["--json", "--uses-per-user", "unlimited", "--total-uses", "none"];
    let cleared = update(&none).json();
    assert_eq!((&cleared["uses_per_user"], &cleared["total_uses"]), (&Value::Null, &Value::Null));
    update(&["--window", "mon,09:00-17:00@Europe/Bonn"]).failed(1, "validation_failed: ");
    let malformed = update(&["--window", "9-5"]);
    assert_eq!(malformed.code, 2, "{malformed:?}");
    assert!(malformed.err.contains("mon-fri,09:00-17:00@Europe/Berlin"), "{malformed:?}");
    let fixed = update(&["--balance", "1:EUR"]);
    assert_eq!(fixed.code, 2, "a balance is decided once: {fixed:?}");
}
