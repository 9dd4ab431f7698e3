//! `redeemd codes lookup`, `revoke` and `restore`

use serde_json::json;

use super::{finish, redeemd};
use crate::support::{Ended, Folder, campaign_with_codes, redeem};

#[test]
fn a_code_is_looked_up_revoked_and_restored() {
    let folder = Folder::new();
    let server = folder.start();
    let (campaign, codes) = campaign_with_codes(&mut server.client(), json!({}), 2);
    let ask = |arguments: &[&str], code: &str| -> Ended {
        let ran = finish(redeemd(server.address, arguments), code);
        assert!(!format!("{ran:?}").contains(&codes[0]), "nobody needs to see it: {ran:?}");
        ran
    };
    let typed = format!("  {}\r\n", codes[0].to_lowercase());
    let found = ask(&["codes", "lookup", "--json"], &typed).json();
    assert_eq!((&found["state"], &found["campaign"]["id"]), (&"issued".into(), &campaign["id"]));

    ask(&["codes", "revoke", "--reason", "leaked"], &typed).done();
    let refused = redeem(&mut server.client(), &codes[0], "ada");
    refused.is_problem(410, "revoked");
    ask(&["codes", "restore", "--reason", "a mistake"], &codes[0]).done();
    assert_eq!(redeem(&mut server.client(), &codes[0], "ada").status, 201);

    let found = ask(&["codes", "lookup"], &codes[0]);
    let state = found.done().lines().next().unwrap();
    assert_eq!(state.split_whitespace().collect::<Vec<_>>(), ["state", "redeemed"]);
    assert!(found.out.contains("redemptions:") && found.out.contains("ada"), "{found:?}");

    ask(&["codes", "lookup"], "nonsense\n").failed(1, "invalid_code: ");
    ask(&["codes", "lookup"], "").failed(2, "standard input");
    ask(&["codes", "lookup"], &"x".repeat(10_000)).failed(1, "redeemd: ");
    let in_arguments = ask(&["codes", "lookup", "SOME-CODE"], "");
    assert_eq!(in_arguments.code, 2, "a code is no argument");
}
