//! Starting where it cannot be: one line that says why, exit code 1, nothing overwritten.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::{Folder, campaign_with_codes, fails_to_start, redeem};

#[test]
fn the_first_start_makes_a_key_and_a_secret() {
    let folder = Folder::new();
    let mut command = folder.command();
    command.env_remove("REDEEMD_BOOTSTRAP_ADMIN_KEY");
    let server = folder.start_with(command);
    let key = server.facts.iter().find_map(|fact| fact.strip_prefix("admin-key ")).unwrap();
    assert!(key.len() == 46 && key.starts_with("rk_"), "{key}");
    let mut client = crate::support::Client::new(server.address, Some(key));
    assert_eq!(client.get("/api/v1/campaigns").status, 200);
    let mode = std::fs::metadata(folder.secret()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let folder = Folder::new();
    let server = folder.start();
    let said = fails_to_start(folder.command());
    assert!(said.contains("in use"), "{said}");
    assert_eq!(server.client().get("/health/live").status, 200);
}

#[test]
fn secrets_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 2);
    assert!(server.terminate().success());
    let secret = std::fs::read_to_string(folder.secret()).unwrap();
    let refused = |word: &str| {
        let said = fails_to_start(folder.command());
        assert!(said.contains(word) && !said.contains(secret.trim()), "{said}");
    };
    std::fs::write(folder.secret(), "00".repeat(32)).unwrap();
    refused("secret");
    std::fs::write(folder.secret(), "not a secret").unwrap();
    refused("64 hexadecimal digits");
    std::fs::remove_file(folder.secret()).unwrap();
    refused("missing");
    assert!(!folder.secret().exists(), "none is made for a directory that has one");
    std::fs::write(folder.secret(), &secret).unwrap();
    std::fs::set_permissions(folder.secret(), std::fs::Permissions::from_mode(0o644)).unwrap();
    refused("chmod 600");
    std::fs::remove_file(folder.secret()).unwrap();
    let mut command = folder.command();
    command.env("REDEEMD_SECRET", secret.trim());
    let server = folder.start_with(command);
    assert_eq!(redeem(&mut server.client(), &codes[0], "ada").status, 201);
}

#[test]
fn an_address_in_use_is_named() {
    let first = Folder::new();
    let server = first.start();
    let second = Folder::new().set("http.listen", &server.address.to_string());
    let said = fails_to_start(second.command());
    assert!(said.contains(&server.address.to_string()) && said.contains("http.listen"), "{said}");
    // An admin key that was said by a start that fails would be all that there ever is of it.
    assert!(!second.data().exists() && !second.secret().exists(), "nothing was made");
}

#[test]
fn a_wrong_setting_is_named() {
    let said = fails_to_start(Folder::new().set("http.workers", "many").command());
    assert!(said.contains("http.workers"), "{said}");
}
