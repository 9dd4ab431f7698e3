//! Listed codes over HTTP: how long a million take to be imported, to be imported again (when all
//! are duplicates), to be drawn by a pattern, and to be exported; with what memory.
//!
//! `cargo bench --bench listed -- [codes] [rounds]`; server and client share the machine.
//! `REDEEMD_BENCH_FOLDER` chooses the disk.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Instant;

use redeemd::client::{Client, Request, ServerProcess};
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let codes = numbers.first().copied().unwrap_or(1_000_000);
    println!(
        "{:>12} {:>9} {:>11} {:>13} {:>11}",
        "", "seconds", "codes/s", "peak memory", "fdatasync/s"
    );
    for _ in 0..numbers.get(1).copied().unwrap_or(3) {
        round(codes);
    }
    ExitCode::SUCCESS
}

fn round(codes: u64) {
    let folder = support::folder();
    let server = support::start(folder.path());
    let key = server.admin_key.clone().unwrap();
    let imported = make(&server, &key, r#"{"kind":"imported"}"#);
    let drawn = make(&server, &key, r##"{"kind":"pattern","pattern":"GIFT-######-######"}"##);
    let file = (0..codes).fold(String::new(), |mut file, number| {
        // Spread out, as codes of somebody else are.
        let _ = writeln!(file, "CODE-{:016X}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        file
    });
    let import = format!("POST {imported}/import");
    let issue = format!("POST {drawn}");
    let body = format!(r#"{{"count":{codes}}}"#);
    let csv = "Content-Type: text/csv\r\n";
    let json = "Content-Type: application/json\r\nAccept: text/csv\r\n";
    for (what, line, headers, body) in [
        ("import", &import, csv, &file),
        ("import again", &import, csv, &file),
        ("draw", &issue, json, &body),
        ("export", &format!("GET {drawn}"), "Accept: text/csv\r\n", &String::new()),
    ] {
        let syncs = Syncs::rate(folder.path());
        let begun = Instant::now();
        ask(server.address, &key, line, headers, body.as_bytes());
        let seconds = begun.elapsed().as_secs_f64();
        let memory = peak_memory_kib(server.id()) / 1024;
        println!(
            "{what:>12} {seconds:>9.2} {:>11.0} {memory:>9} MiB {syncs:>11.0}",
            codes as f64 / seconds
        );
    }
}

/// Makes a campaign, and gives the path of its codes.
fn make(server: &ServerProcess, key: &str, codes: &str) -> String {
    let mut client = Client::new(server.address).with_key(key);
    let body = format!(r#"{{"name":"bench","codes":{codes}}}"#);
    let made = client.send(&Request::post("/api/v1/campaigns", &body)).unwrap().json().unwrap();
    format!("/api/v1/campaigns/{}/codes", made["id"].as_str().unwrap())
}

/// Sends a request and reads the answer to its end.
fn ask(address: SocketAddr, key: &str, line: &str, headers: &str, body: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n{headers}\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = BufReader::new(stream);
    let mut status = String::new();
    answer.read_line(&mut status).unwrap();
    let mut rest = Vec::new();
    answer.read_to_end(&mut rest).unwrap();
    assert!(status.contains(" 20"), "{status} {}", String::from_utf8_lossy(&rest));
}

fn peak_memory_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
