//! Which server, as whom, and what is said when it is not there or refuses.

use std::fs;
use std::net::TcpListener;

use serde_json::Value;

use super::{finish, redeemd, run};
use crate::support::{ADMIN_KEY, Folder};

#[test]
fn a_key_comes_from_a_file_or_the_environment() {
    let folder = Folder::new();
    let server = folder.start();
    let list = |set_up: &dyn Fn(&mut std::process::Command)| {
        let mut command = redeemd(server.address, &["campaign", "list", "--json"]);
        set_up(&mut command);
        finish(command, "")
    };
    assert_eq!(list(&|_| {}).done(), "");
    let file = folder.path().join("key");
    fs::write(&file, format!("{ADMIN_KEY}\n")).unwrap();
    let with_file = list(&|command| {
        command.env_remove("REDEEMD_API_KEY").arg("--key-file").arg(&file);
    });
    assert_eq!(with_file.done(), "");
    list(&|command| {
        command.env_remove("REDEEMD_API_KEY");
    })
    .failed(2, "--key-file");
    fs::write(&file, "two words").unwrap();
    list(&|command| {
        command.arg("--key-file").arg(&file);
    })
    .failed(1, "does not begin with an API key");
    list(&|command| {
        command.arg("--key-file").arg(folder.path().join("none"));
    })
    .failed(1, "cannot read");
}

#[test]
fn a_refusal_is_one_line_for_people_and_json_for_programs() {
    let folder = Folder::new();
    let server = folder.start();
    let stranger = |arguments: &[&str]| {
        let mut command = redeemd(server.address, arguments);
        command.env("REDEEMD_API_KEY", "rk_nobody");
        finish(command, "")
    };
    stranger(&["campaign", "list"]).failed(1, "unauthenticated: ");
    let ran = stranger(&["campaign", "list", "--json"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let problem: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"unauthenticated".into(), &401.into()));

    let rules = ["--uses-per-code", "4294967296", "--starts-at", "tomorrow"];
    let wrong = run(server.address, &[&["campaign", "create", "--name", "x"][..], &rules].concat());
    wrong.failed(1, "validation_failed: ");
    assert!(wrong.err.contains("/uses_per_code") && wrong.err.contains("/starts_at"), "{wrong:?}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nowhere = listener.local_addr().unwrap();
    drop(listener);
    run(nowhere, &["campaign", "list"]).failed(1, &format!("cannot connect to http://{nowhere}"));
    run(nowhere, &["bench", "--issue"]).failed(1, "cannot connect");
    let socket = run(nowhere, &["key", "list", "--server", "unix:/not/there.sock"]);
    socket.failed(1, "cannot connect to unix:/not/there.sock");
    for (server, word) in [("https://a", "https is not spoken"), ("a:1", "expected http://")] {
        let ran = run(nowhere, &["campaign", "list", "--server", server]);
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(word), "{ran:?}");
    }
    // It lost its answer and is asked again, but not for ever.
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let silent = listener.local_addr().unwrap();
    run(silent, &["campaign", "list", "--timeout", "1"]).failed(1, "no answer within 1 s");
}

#[test]
fn settings_of_the_server_are_no_settings_of_its_clients() {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    for setting in [["--data-dir", "x"], ["--listen", "127.0.0.1:1"], ["--set", "a=b"]] {
        run(nowhere, &[&["campaign", "list"][..], &setting].concat()).failed(2, "--server");
    }
    let help = run(nowhere, &["campaign", "create", "--help"]);
    assert!(help.done().contains("--key-file") && !help.out.contains("--data-dir"), "{}", help.out);
    assert!(run(nowhere, &["serve", "--help"]).done().contains("--data-dir"));
}
