//! What the README tells a new user to type, typed.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{ADMIN_KEY, Folder, succeed};

/// The block of lines after a sentence of the README.
fn block(sentence: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, after) = readme.split_once(sentence).unwrap();
    let (_, begun) = after.split_once("```sh\n").unwrap();
    begun.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_first_steps_lead_to_redeeming_codes_of_ones_own() {
    let folder = Folder::new();
    let server = folder.start();
    let address = format!("http://{}", server.address);
    let lines = block("In another shell");
    assert!(lines.contains("rk_…") && lines.contains("http://127.0.0.1:8080"));
    let lines = lines.replace("rk_…", ADMIN_KEY).replace("http://127.0.0.1:8080", &address);
    // Where a user has built the program, the tests have it elsewhere.
    let program = Path::new(env!("CARGO_BIN_EXE_redeemd")).parent().unwrap();
    let mut shell = Command::new("bash");
    shell.current_dir(folder.path()).env("REDEEMD_SERVER", &address).args(["-euo", "pipefail"]);
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let said = succeed(shell.env("PATH", path).args(["-c", &lines]));

    let answers: Vec<Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let [first, again, late, sealed] = answers.as_slice() else { panic!("{said}") };
    assert_eq!((&first["status"], &first["reward"]["gift"]), (&"redeemed".into(), &"tea".into()));
    assert_eq!(again, first);
    assert_eq!(late["code"], "already_redeemed");
    assert_eq!(sealed["status"], "redeemed");
    let words: Vec<&str> = said.split_whitespace().collect();
    for said_so in [["imported", "2"], ["counts.redeemed", "1"]] {
        assert!(words.windows(2).any(|words| words == said_so), "{said_so:?}: {said}");
    }
    assert_eq!(said.matches("\nSUMMER-").count(), 3, "{said}");
}
