//! What the benchmarks over HTTP have in common: the server in a process of its own, codes, and
//! what the machine does meanwhile.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser as _;
use redeemd::application::{self, Options};
use redeemd::cli::Arguments;
use redeemd::client::{Client, Launch, Request, ServerProcess};
use redeemd::http::Extras;

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
    let settings = std::env::var("REDEEMD_BENCH_SETTINGS").unwrap_or_default();
    Launch {
        program: std::env::current_exe().unwrap(),
        wrapper: Vec::new(),
        data_dir: folder.join("data"),
        log: folder.join("log"),
        settings: settings.split_whitespace().map(str::to_owned).collect(),
        environment: Vec::new(),
        patience: Duration::from_secs(30),
    }
    .start()
    .unwrap()
}

/// Issues codes; a line each.
pub(crate) fn issue(server: &ServerProcess, key: &str, count: u64) -> Vec<u8> {
    let mut client =
        Client::new(server.address).with_key(key).with_patience(Duration::from_secs(60));
    let campaign =
        Request::post("/api/v1/campaigns", r#"{"name":"bench","codes":{"kind":"sealed"}}"#);
    let made = client.send(&campaign).unwrap().json().unwrap();
    let path = format!("/api/v1/campaigns/{}/codes", made["id"].as_str().unwrap());
    let body = format!(r#"{{"count":{count}}}"#);
    let mut codes = Vec::new();
    let request = Request::post(&path, &body).accept("text/csv");
    client.send_to(&request, &mut codes).unwrap();
    codes.split_off(codes.iter().position(|&byte| byte == b'\n').unwrap() + 1)
}

/// How much processor time a process has taken.
pub(crate) fn processor_time(id: u32) -> Duration {
    let statistics = std::fs::read_to_string(PathBuf::from(format!("/proc/{id}/stat"))).unwrap();
    let fields: Vec<&str> = statistics.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// How often this disk makes 4 KiB durable, in a second, just now.
pub(crate) fn fdatasync_rate(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("probe")).unwrap();
    file.write_all(&vec![0; 4 << 20]).unwrap();
    file.sync_all().unwrap();
    let (begun, mut count) = (Instant::now(), 0u32);
    while begun.elapsed() < Duration::from_millis(500) {
        file.write_all_at(&[1; 4096], u64::from(count % 1024) * 4096).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}
