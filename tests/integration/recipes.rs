//! What `docs/CAMPAIGNS.md` tells people to type, typed; and what it says comes of it, compared.

use std::path::Path;
use std::process::Command;

use crate::support::{ADMIN_KEY, Folder, succeed};

/// All lines of the document that are to be typed, and what it says that they print, in order.
fn recipes() -> (String, Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CAMPAIGNS.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = String::new();
    for block in text.split("```sh\n").skip(1) {
        lines.push_str(block.split_once("```").unwrap().0);
    }
    let said =
        lines.lines().filter_map(|line| line.split_once("# → ")).map(|(_, said)| said.into());
    let said = said.collect();
    (lines, said)
}

#[test]
fn every_recipe_does_what_it_says() {
    let (lines, promised) = recipes();
    assert!(lines.contains("http://127.0.0.1:8080") && promised.len() > 20, "{lines}");
    let folder = Folder::new();
    let server = folder.start();
    let address = format!("http://{}", server.address);
    let lines = lines.replace("http://127.0.0.1:8080", &address);
    // Where a user has built the program, the tests have it elsewhere.
    let program = Path::new(env!("CARGO_BIN_EXE_redeemd")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell.current_dir(folder.path()).env("PATH", path);
    shell.env("REDEEMD_SERVER", &address).env("REDEEMD_API_KEY", ADMIN_KEY);
    let said = succeed(shell.args(["-euo", "pipefail", "-c", &lines]));

    let mut rest = said.as_str();
    for promise in promised {
        let found = rest.split_once(&promise);
        rest = found.unwrap_or_else(|| panic!("no {promise:?} in:\n{rest}\nof all:\n{said}")).1;
    }
}
