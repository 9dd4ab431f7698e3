//! `redeemd bench`

use std::fs;

use serde_json::{Value, json};

use super::run;
use crate::support::{Folder, campaign_with_codes, id, wait_until};

fn number(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name}: {report}"))
}

#[test]
fn an_open_loop_accounts_for_every_request() {
    let folder = Folder::new();
    let server = folder.start();
    let load = ["--issue", "--rate", "300", "--connections", "8", "--threads", "2"];
    let shape = ["--duration", "1", "--idempotency-keys", "--validate-share", "0.2", "--json"];
    let report = run(server.address, &[&["bench"][..], &load, &shape].concat()).json();
    let parts = ["answered", "not_sent", "broken"].map(|name| number(&report, name));
    assert_eq!((number(&report, "offered"), parts.iter().sum::<u64>()), (300, 300), "{report}");
    let statuses = &report["statuses"];
    assert!(number(statuses, "200") > 0 && number(statuses, "201") > 0, "{report}");
    assert!(number(&report["latency_microseconds"], "max") > 0);

    // Its codes are of no use any more.
    let campaigns = server.client().get("/api/v1/campaigns").json();
    let campaign = &campaigns["data"][0];
    assert_eq!((&campaign["name"], &campaign["status"]), (&"bench".into(), &"archived".into()));
    assert_eq!(campaign["counts"]["redeemed"], statuses["201"]);
}

#[test]
fn a_closed_loop_redeems_the_codes_of_a_file() {
    let folder = Folder::new();
    let server = folder.start();
    let (campaign, codes) = campaign_with_codes(&mut server.client(), json!({}), 50);
    let file = folder.path().join("codes.csv");
    fs::write(&file, format!("code\r\n{}\r\n", codes.join("\r\n"))).unwrap();
    let load = ["bench", "--codes", file.to_str().unwrap(), "--connections", "4"];
    let report = run(server.address, &[&load[..], &["--duration", "60", "--json"]].concat()).json();
    assert_eq!((number(&report, "answered"), &report["ran_out_of_codes"]), (50, &true.into()));
    assert_eq!(report["statuses"], json!({ "201": 50 }));
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    assert_eq!(server.client().get(&path).json()["counts"]["redeemed"], 50);

    let again = run(server.address, &load);
    assert_eq!(again.code, 1, "nothing was carried out: {again:?}");
    assert!(again.out.contains("50 already_redeemed"), "{}", again.out);
}

#[test]
fn batches_are_counted_by_their_items() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 250);
    let file = folder.path().join("codes.txt");
    fs::write(&file, codes.join("\n")).unwrap();
    let load = ["bench", "--codes", file.to_str().unwrap(), "--batch", "100", "--json"];
    let report = run(server.address, &[&load[..], &["--connections", "2"]].concat()).json();
    assert_eq!((number(&report, "answered"), &report["ran_out_of_codes"]), (3, &true.into()));
    assert_eq!(report["statuses"], json!({ "201": 250 }));
    let again = run(server.address, &load);
    assert_eq!(again.code, 1);
    let report: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(report["problems"], json!({ "already_redeemed": 250 }));
}

#[test]
fn a_load_needs_codes_and_makes_sense() {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    for wrong in [
        &["bench"][..],
        &["bench", "--issue", "--codes", "x"],
        &["bench", "--issue", "--rate", "0"],
        &["bench", "--issue", "--backlog", "5"],
        &["bench", "--issue", "--validate-share", "2"],
        &["bench", "--issue", "--batch", "1001"],
        &["bench", "--issue", "--batch", "10", "--validate-share", "0.5"],
    ] {
        assert_eq!(run(nowhere, wrong).code, 2, "{wrong:?}");
    }
    run(nowhere, &["bench", "--codes", "/not/there"]).failed(1, "cannot read /not/there");
}

#[test]
fn a_server_that_goes_away_takes_no_figures_along() {
    let folder = Folder::new();
    let server = folder.start();
    let (address, mut client) = (server.address, server.client());
    let bench = std::thread::spawn(move || {
        let load = ["bench", "--issue", "--connections", "4", "--duration", "2"];
        run(address, &[&load[..], &["--timeout", "1"]].concat())
    });
    wait_until("it redeems", || {
        let page = client.get("/metrics");
        page.text().lines().any(|line| {
            let count = line.strip_prefix("redeemd_redemptions_total{outcome=\"done\"} ");
            count.is_some_and(|count| count != "0")
        })
    });
    server.kill();
    let ran = bench.join().unwrap();
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("answers/s") && ran.out.contains("201"), "{ran:?}");
    assert!(ran.err.contains("redeemd campaign archive camp_"), "{ran:?}");
}
