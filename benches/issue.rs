//! Sealed codes over HTTP as CSV: issued (durable before the first byte leaves), and the same codes
//! again (which changes nothing). The goals are 2 million codes a second with server and client on
//! two cores, and memory that does not grow with the number of codes.
//!
//! `cargo bench --bench issue -- [million codes a request] [rounds]`. `REDEEMD_BENCH_FOLDER` chooses
//! the disk, `REDEEMD_BENCH_SETTINGS` holds settings of the server.
//!
//! How to read it: the server's resident size is looked at fifty times a second while the codes are
//! sent; "most" is the largest that was seen. A round of one million codes comes first, so that what
//! ten times as many add can be seen.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use redeemd::client::{Client, Request, ServerProcess};
use support::machine;
use support::resident::{Resident, megabytes};
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let millions = numbers.first().copied().unwrap_or(10).clamp(1, 10);
    let rounds = numbers.get(1).copied().unwrap_or(5);
    let folder = support::folder();
    let server = support::start(folder.path());
    let key = server.admin_key.clone().unwrap();
    let mut client =
        Client::new(server.address).with_key(&key).with_patience(Duration::from_secs(60));
    let path = support::make_campaign(&mut client);
    println!(
        "{:>8} {:>12} {:>12} {:>10} {:>12} {:>11} {:>11}",
        "", "codes", "codes/s", "server ns", "MB before", "MB most", "fdatasync/s"
    );
    let mut issued = Vec::new();
    for round in 0..=rounds {
        let count = if round == 0 { 1 } else { millions } * 1_000_000;
        let syncs = Syncs::rate(folder.path());
        let body = format!(r#"{{"count":{count}}}"#);
        let request = Request::post(&path, &body).accept("text/csv");
        let rate = receive(&server, &mut client, "issued", count, &request, syncs);
        if round > 0 {
            issued.push(rate);
        }
        let again = format!("{path}?first_index=0&count={count}");
        let request = Request::get(&again).accept("text/csv");
        receive(&server, &mut client, "again", count, &request, syncs);
    }
    issued.sort_by(f64::total_cmp);
    println!("median {:.0} codes a second issued", issued[issued.len() / 2]);
    ExitCode::SUCCESS
}

/// Receives codes, and gives how many came in a second.
fn receive(
    server: &ServerProcess,
    client: &mut Client,
    what: &str,
    count: u64,
    request: &Request<'_>,
    syncs: f64,
) -> f64 {
    let resident = Resident::watch(server.id());
    let busy = machine::processor_time(server.id());
    let begun = Instant::now();
    let mut received = Lines::default();
    client.send_to(request, &mut received).unwrap();
    let elapsed = begun.elapsed();
    let busy = machine::processor_time(server.id()) - busy;
    let resident = resident.end();
    assert_eq!(received.bytes, count * support::LINE as u64 + "code\n".len() as u64);
    let rate = count as f64 / elapsed.as_secs_f64();
    println!(
        "{what:>8} {count:>12} {rate:>12.0} {:>10.0} {:>12.1} {:>11.1} {syncs:>11.0}",
        busy.as_secs_f64() * 1e9 / count as f64,
        megabytes(resident.before),
        megabytes(resident.most),
    );
    rate
}

/// Counts what comes, and keeps nothing.
#[derive(Default)]
struct Lines {
    bytes: u64,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
