//! `redeemd codes top-up`, `redeemd redemption show` and `rollback`

use serde_json::json;

use super::{finish, redeemd};
use crate::support::{Ended, Folder, campaign_with_codes, id, redeem};

#[test]
fn a_code_is_topped_up_and_its_redemption_rolled_back() {
    let folder = Folder::new();
    let server = folder.start();
    let balance = json!({"balance": {"currency": "EUR", "minor_units": 500}});
    let (_, codes) = campaign_with_codes(&mut server.client(), balance, 1);
    let ask = |arguments: &[&str], typed: &str| -> Ended {
        finish(redeemd(server.address, arguments), typed)
    };
    let top_up = ["codes", "top-up", "--amount", "250", "--reason", "bonus", "--json"];
    assert_eq!(ask(&top_up, &codes[0]).json()["balance_left"], 750);
    let redemption = id(&redeem(&mut server.client(), &codes[0], "ada").json());
    let part = ["redemption", "rollback", &redemption, "--reason", "one", "--amount", "50"];
    let part = ask(&part, "");
    assert!(part.done().contains("redeemed"), "{part:?}");
    let whole = ask(&["redemption", "rollback", &redemption, "--reason", "all", "--json"], "");
    assert_eq!(whole.json()["balance_left"], 750);
    let shown = ask(&["redemption", "show", &redemption], "");
    assert!(shown.done().contains("rolled_back"), "{shown:?}");
    let again = ["redemption", "rollback", &redemption, "--reason", "again"];
    ask(&again, "").failed(1, "already_rolled_back: ");
    assert_eq!(ask(&["codes", "top-up", "--amount", "0", "--reason", "none"], "").code, 2);
}
