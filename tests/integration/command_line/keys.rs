//! `redeemd key`

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{finish, redeemd, run};
use crate::support::{Folder, id};

#[test]
fn a_key_is_made_used_listed_and_revoked() {
    let folder = Folder::new();
    let server = folder.start();
    let run = |arguments: &[&str]| run(server.address, arguments);
    let made = run(&["key", "new", "--role", "issuer", "--name", "marketing", "--json"]).json();
    let text = made["key"].as_str().unwrap().to_owned();
    let as_new = |arguments: &[&str]| {
        let mut command = redeemd(server.address, arguments);
        command.env("REDEEMD_API_KEY", &text);
        finish(command, "")
    };
    as_new(&["campaign", "create", "--name", "Theirs"]).done();
    as_new(&["key", "list"]).failed(1, "forbidden: ");

    let listed = run(&["key", "list", "--json"]);
    assert!(!listed.done().contains("\"key\""), "keys are never shown again: {}", listed.out);
    let names = listed.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(names.into_iter().any(|key| key["name"] == "marketing" && key["id"] == made["id"]));
    assert!(run(&["key", "list"]).done().contains("issuer"));

    run(&["key", "revoke", &id(&made)]).done();
    as_new(&["campaign", "list"]).failed(1, "unauthenticated: ");
    run(&["key", "revoke", "key_none"]).failed(1, "not_found: ");
    assert_eq!(run(&["key", "new", "--role", "king", "--name", "x"]).code, 2);
}

#[test]
fn a_key_can_go_straight_into_a_file() {
    let folder = Folder::new();
    let server = folder.start();
    let file = folder.path().join("shop.key");
    let new =
        ["key", "new", "--role", "issuer", "--name", "shop", "--output", file.to_str().unwrap()];
    let made = run(server.address, &new);
    assert!(!made.done().contains("rk_"), "{made:?}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let list = ["campaign", "list", "--key-file", file.to_str().unwrap()];
    let mut command = redeemd(server.address, &list);
    command.env_remove("REDEEMD_API_KEY");
    finish(command, "").done();
    // A second one would overwrite it, so none is made.
    run(server.address, &new).failed(1, "exists already");
    let listed = run(server.address, &["key", "list", "--json"]);
    assert_eq!(listed.done().matches("\"shop\"").count(), 1);
}
