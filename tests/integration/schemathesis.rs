//! schemathesis makes requests from the description, good ones and bad ones, and looks at every
//! answer: none is a failure of the server's, each is as described, and a request that is refused
//! changes nothing. What it has to know is in `tests/schemathesis/`.

use std::fs;
use std::process::Command;

use crate::support::{ADMIN_KEY, Client, Folder, client_tools, project, succeed};

/// A number that steers the run, from the environment.
fn setting(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a number")),
        Err(_) => usual,
    }
}

#[test]
fn schemathesis_finds_nothing() {
    let seed = setting("REDEEMD_SCHEMATHESIS_SEED", 1);
    let seconds = setting("REDEEMD_SCHEMATHESIS_SECONDS", 40);
    let folder = Folder::new();
    let server = folder.start();
    let place = tempfile::tempdir().unwrap();
    let description = Client::new(server.address, None).get("/api/v1/openapi.json");
    fs::write(place.path().join("openapi.json"), description.body).unwrap();
    for file in fs::read_dir(project().join("tests/schemathesis")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), place.path().join(file.file_name())).unwrap();
    }
    let address = format!("http://{}", server.address);
    let printed = succeed(
        Command::new(client_tools().join("python/bin/schemathesis"))
            .args(["--config-file", "schemathesis.toml", "run", "openapi.json", "--url", &address])
            .args(["--header", &format!("Authorization: Bearer {ADMIN_KEY}")])
            .args(["--seed", &seed.to_string(), "--max-time", &seconds.to_string()])
            .args(["--max-examples", &setting("REDEEMD_SCHEMATHESIS_EXAMPLES", 10).to_string()])
            .args(["--continue-on-failure", "--no-color"])
            .env("REDEEMD_SERVER", &address)
            .env("REDEEMD_API_KEY", ADMIN_KEY)
            .current_dir(place.path()),
    );
    println!("seed {seed}\n{printed}");
    server.terminate();
    let log = fs::read_to_string(folder.log()).unwrap();
    // What is no HTTP is the client's error; the framework calls it one.
    let is_error = |line: &&str| line.contains("panicked") || line.contains(" ERROR redeemd");
    assert_eq!(log.lines().find(is_error), None);
}
