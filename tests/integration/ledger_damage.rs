//! A damaged or missing ledger: what verify says, what the server does, what salvage brings back.

use std::fs;

use serde_json::json;

use crate::support::{
    Answer, Folder, campaign_with_codes, fails_to_start, metric, redeem_keyed, wait_until,
};

/// A folder of a server that redeemed codes and ended, with its ledger in several commits.
fn folder_with_redemptions() -> (Folder, Vec<(String, Answer)>) {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 40);
    let mut redeemed = Vec::new();
    for part in codes.chunks(10) {
        let commits = metric(&mut client, "redeemd_ledger_commit_duration_seconds_count");
        for code in part {
            redeemed.push((code.clone(), redeem_keyed(&mut client, code, "ada", "k")));
        }
        wait_until("the ledger commits", || {
            metric(&mut client, "redeemd_ledger_commit_duration_seconds_count") > commits
        });
    }
    assert!(server.terminate().success());
    (folder, redeemed)
}

/// Starts a server, which gives every answer again, and is whole when it ended.
fn nothing_is_lost(folder: &Folder, redeemed: &[(String, Answer)]) {
    let server = folder.start();
    for (code, first) in redeemed {
        let again = redeem_keyed(&mut server.client(), code, "ada", "k");
        assert_eq!(again.text(), first.text());
    }
    assert!(server.terminate().success());
    let verified = folder.run(&["journal", "verify", "--json"]).json();
    assert_eq!((&verified["healthy"], &verified["epoch"]), (&json!(true), &json!(0)));
    assert_eq!(verified["warnings"], json!([]));
}

#[test]
fn a_damaged_ledger_is_made_anew_from_a_journal_that_reaches_back() {
    let (folder, redeemed) = folder_with_redemptions();
    let path = folder.data().join("ledger/log/0000000001.records");
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    fs::write(&path, &bytes).unwrap();

    let said = fails_to_start(folder.command());
    assert!(said.contains("ledger/log/") && said.contains("`journal salvage`"), "{said}");
    let verified = folder.run(&["journal", "verify", "--json"]);
    assert_eq!(verified.code, 1);
    let found = verified.told();
    assert_eq!(found["ledger_is_damaged"], true);
    let problems = found["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].as_str().unwrap().contains("`journal salvage`"), "{problems:?}");
    let sequences = found["sequences"].as_array().unwrap();
    assert!(sequences.iter().any(|it| it["ledger"].as_u64() > Some(0)), "what is whole counts");

    let plan = folder.run(&["journal", "salvage", "--json"]);
    assert_eq!(plan.code, 1);
    let plan = plan.told();
    assert_eq!((&plan["way"], &plan["lost_outcomes"]), (&json!("rebuild_ledger"), &json!(0)));
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
    let said = folder.run(&["journal", "salvage", "--accept-loss"]).done().to_owned();
    assert!(said.contains("nothing was lost") && said.contains(".records.cut"), "{said}");
    assert_eq!(fs::read(path.with_extension("records.cut")).unwrap(), bytes, "it is kept");
    nothing_is_lost(&folder, &redeemed);
}

#[test]
fn verify_says_of_a_missing_ledger_what_the_server_makes_of_it() {
    for file in ["ledger", "ledger/log/0000000001.records"] {
        let (folder, redeemed) = folder_with_redemptions();
        let path = folder.data().join(file);
        fs::rename(&path, folder.path().join("aside")).unwrap();
        let verified = folder.run(&["journal", "verify"]).done().to_owned();
        assert!(verified.contains("warning: a snapshot of shard-"), "{verified}");
        assert!(verified.contains("a server starts from it"), "{verified}");
        assert!(!verified.contains("DAMAGED"), "{verified}");
        nothing_is_lost(&folder, &redeemed);
    }
}
