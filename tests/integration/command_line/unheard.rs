//! Results that cannot be written, and errors for programs.

use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{finish, redeemd, run};
use crate::support::Folder;

/// What a command says on standard error, and its exit code, where its standard output is this.
fn said(mut command: Command, output: impl Into<Stdio>) -> (Option<i32>, String) {
    let ended = command.stdin(Stdio::null()).stdout(output).stderr(Stdio::piped());
    let ended = ended.spawn().unwrap().wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// A pipe whose reader has gone away.
fn unread() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let folder = Folder::new();
    let server = folder.start();
    for command in [&["config", "check"][..], &["config", "check", "--json"], &["health"]] {
        let command = || redeemd(server.address, command);
        let (code, error) = said(command(), full());
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("No space left on device") && !error.contains("panicked"));
        let nobody = said(command(), unread());
        assert_eq!(nobody, (Some(1), String::new()), "there is nobody to tell");
    }
}

#[test]
fn a_key_that_could_not_be_shown_is_named() {
    let folder = Folder::new();
    let server = folder.start();
    for json in [&[][..], &["--json"]] {
        let new = [&["key", "new", "--role", "issuer", "--name", "shop"][..], json].concat();
        let (code, error) = said(redeemd(server.address, &new), full());
        assert_eq!(code, Some(1), "{error}");
        let (_, id) = error.split_once("`redeemd key revoke ").unwrap();
        let id = id.split('`').next().unwrap();
        run(server.address, &["key", "revoke", id]).done();
    }
}

#[test]
fn programs_get_errors_as_json() {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    let told = |arguments: &[&str], code: i32, name: &str, words: &str| {
        let ran = run(nowhere, arguments);
        let error: Value = serde_json::from_str(&ran.err).unwrap_or_else(|_| panic!("{ran:?}"));
        assert_eq!((ran.code, error["code"].as_str()), (code, Some(name)), "{ran:?}");
        assert!(error["detail"].as_str().unwrap().contains(words), "{ran:?}");
    };
    told(&["campaign", "list", "--json"], 1, "failed", "cannot connect to http://127.0.0.1:1");
    told(&["codes", "import", "camp_1", "/not/there", "--json"], 1, "failed", "cannot read");
    told(&["config", "check", "--json", "--set", "http.workers=x"], 1, "failed", "http.workers");
    let mut without_key = redeemd(nowhere, &["campaign", "list", "--json"]);
    without_key.env_remove("REDEEMD_API_KEY");
    assert!(finish(without_key, "").err.starts_with("{\"code\":\"wrong_usage\""));

    let settings = run(nowhere, &["config", "check", "--json", "--set", "http.workers=3"]).json();
    assert_eq!(settings["http.workers"]["value"], 3);
    assert_eq!(settings["http.workers"]["from"], "the command line");
    assert!(settings["http.listen"]["value"].is_string(), "{settings}");
}

#[test]
fn a_file_that_may_not_become_so_large_leaves_nothing_behind() {
    let folder = Folder::new();
    let server = folder.start();
    let made = run(server.address, &["campaign", "create", "--name", "Large", "--json"]).json();
    let file = folder.path().join("codes.csv");
    // 16 blocks of 512 bytes.
    let script = "ulimit -f 16 && exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_redeemd"), "codes", "issue"]);
    command.args([made["id"].as_str().unwrap(), "--count", "20000", "--output"]).arg(&file);
    command.arg("--server").arg(format!("http://{}", server.address));
    command.env("REDEEMD_API_KEY", crate::support::ADMIN_KEY);
    let ran = finish(command, "");
    ran.failed(1, "--idempotency-key");
    assert!(ran.err.contains("File too large"), "{ran:?}");
    assert!(!file.exists() && !folder.path().join("codes.csv.part").exists());
}
