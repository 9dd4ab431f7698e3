//! What benchmarks have in common: the server in a process of its own or its node in this one, codes,
//! and what the machine does meanwhile.

// Each benchmark uses a part of it.
#![allow(dead_code)]

pub(crate) mod machine;
pub(crate) mod node;
pub(crate) mod random;
pub(crate) mod resident;
pub(crate) mod syncs;

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use redeemd::application::{self, Options};
use redeemd::cli::Arguments;
use redeemd::client::{Client, Launch, Request, ServerProcess};
use redeemd::http::Extras;
use redeemd::load::Supply;

/// A line of the issued codes: the code and its end.
pub(crate) const LINE: usize = 31;

/// The most codes that one request issues.
const ISSUED_AT_ONCE: u64 = 10_000_000;

/// Whether this program was started to be the server.
pub(crate) fn is_server(arguments: &[String]) -> bool {
    arguments.get(1).is_some_and(|argument| argument == "serve")
}

/// This program as the server: the real one, with the one route more.
pub(crate) fn serve(arguments: &[String]) -> ExitCode {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let settings = Arguments::parse_from(arguments).settings().unwrap();
    let options =
        Options { bootstrap_admin_key: None, secret: None, extras: Extras::Baseline, reload: None };
    application::serve(&settings, &options).unwrap();
    ExitCode::SUCCESS
}

/// The numbers among the arguments.
pub(crate) fn numbers(arguments: &[String]) -> Vec<u64> {
    arguments.iter().skip(1).filter_map(|text| text.parse().ok()).collect()
}

/// A folder on the disk that `REDEEMD_BENCH_FOLDER` chooses.
pub(crate) fn folder() -> tempfile::TempDir {
    let parent = std::env::var_os("REDEEMD_BENCH_FOLDER").unwrap_or_else(|| ".".into());
    tempfile::tempdir_in(parent).unwrap()
}

/// Starts the server with its data in a folder, and with the settings in `REDEEMD_BENCH_SETTINGS`.
pub(crate) fn start(folder: &Path) -> ServerProcess {
    launch(folder, Vec::new(), &[])
}

/// The same with more settings.
pub(crate) fn start_with(folder: &Path, settings: &[String]) -> ServerProcess {
    launch(folder, Vec::new(), settings)
}

/// The same on one core alone.
pub(crate) fn start_on_core(folder: &Path, core: usize) -> ServerProcess {
    launch(folder, ["taskset", "-c", &core.to_string()].map(OsString::from).to_vec(), &[])
}

fn launch(folder: &Path, wrapper: Vec<OsString>, more: &[String]) -> ServerProcess {
    let settings = std::env::var("REDEEMD_BENCH_SETTINGS").unwrap_or_default();
    Launch {
        program: std::env::current_exe().unwrap(),
        wrapper,
        data_dir: folder.join("data"),
        log: folder.join("log"),
        settings: settings.split_whitespace().map(str::to_owned).chain(more.to_vec()).collect(),
        environment: Vec::new(),
        patience: Duration::from_secs(120),
    }
    .start()
    .unwrap()
}

/// Makes a campaign of sealed codes, and gives the path of its codes.
pub(crate) fn make_campaign(client: &mut Client) -> String {
    let campaign =
        Request::post("/api/v1/campaigns", r#"{"name":"bench","codes":{"kind":"sealed"}}"#);
    let made = client.send(&campaign).unwrap().json().unwrap();
    format!("/api/v1/campaigns/{}/codes", made["id"].as_str().unwrap())
}

/// Issues codes of a campaign of their own; a line each.
pub(crate) fn issue(server: &ServerProcess, key: &str, count: u64) -> Vec<u8> {
    let mut client =
        Client::new(server.address).with_key(key).with_patience(Duration::from_secs(60));
    let path = make_campaign(&mut client);
    let mut codes = Vec::with_capacity((count as usize + 1) * LINE);
    let mut left = count;
    while left > 0 {
        let count = left.min(ISSUED_AT_ONCE);
        let body = format!(r#"{{"count":{count}}}"#);
        let begin = codes.len();
        client.send_to(&Request::post(&path, &body).accept("text/csv"), &mut codes).unwrap();
        // The name of the column is no code.
        codes.drain(begin..begin + "code\n".len());
        left -= count;
    }
    assert_eq!(codes.len(), count as usize * LINE);
    codes
}

/// So many codes for a load, and no more.
pub(crate) fn supply(server: &ServerProcess, key: &str, count: u64) -> Arc<Supply> {
    let supply = Arc::new(Supply::new());
    supply.add(issue(server, key, count));
    supply.complete();
    supply
}
