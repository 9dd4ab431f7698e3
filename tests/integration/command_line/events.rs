//! `redeemd events`

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{redeemd, run};
use crate::support::{Folder, campaign_with_codes, id, redeem};

#[test]
fn what_happened_is_shown_and_gone_on_from() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (launch, codes) = campaign_with_codes(&mut client, json!({}), 2);
    redeem(&mut client, &codes[0], "ada");
    let shown = run(server.address, &["events", "--type", "redemption.created"]);
    let hint = client.get("/api/v1/redemptions").json()["data"][0]["code_hint"].clone();
    let line = shown.done().trim_end();
    assert!(line.contains("redemption.created") && line.contains("user_id=ada"), "{line}");
    assert!(line.contains(&*id(&launch)) && line.contains(hint.as_str().unwrap()), "{line}");

    let of_campaign = ["events", "--json", "--campaign", &id(&launch)];
    let shown = run(server.address, &of_campaign);
    let lines: Vec<Value> =
        shown.done().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap_or("")).collect();
    assert_eq!(types, ["campaign.created", "codes.issued", "redemption.created", ""]);
    let position = lines[3]["next_cursor"].as_str().unwrap();
    let rest = run(server.address, &["events", "--after", position, "--json"]);
    assert_eq!(rest.done().lines().count(), 1);

    let mut following = redeemd(server.address, &["events", "--follow", "--json", "--after"]);
    let mut child = following.arg(position).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    redeem(&mut client, &codes[1], "bob");
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["redemption"]["user_id"], "bob");
    let position = event["position"].as_str().unwrap();
    let rest = run(server.address, &["events", "--after", position, "--json"]);
    assert_eq!(rest.done().lines().count(), 1);

    run(server.address, &["events", "--after", "pAAAA"]).failed(1, "validation_failed: ");
    run(server.address, &["events", "--follow", "--after", "pAAAA"])
        .failed(1, "validation_failed: ");
    assert_eq!(run(server.address, &["events", "--after", "p&x"]).code, 2);
    run(server.address, &["events", "--type", "nothing"]).failed(1, "validation_failed: ");
}
