//! The load that the first users named: 1,000, 2,000 and 5,000 redemptions a second over HTTP, a
//! minute each, in an open loop: a request is due when the schedule says so, whatever the server
//! does, and its time counts from then on. Every request has an idempotency key, as a careful
//! client's has. Server and load generator share the machine.
//!
//! `cargo bench --bench rates -- [seconds] [rates …]`. `REDEEMD_BENCH_FOLDER` chooses the disk,
//! `REDEEMD_BENCH_SETTINGS` holds settings of the server.
//!
//! How to read it: errors are all that was due and not answered with 201, whether it was refused,
//! broke, or could not be sent in time. The processor's share is of one core; that of the load
//! generator stands beside it. The goals are errors below 0.1% and a p99 below 50 ms. First comes
//! what the server takes of memory when it has nothing to do, with a goal of 60 MB.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use redeemd::client::ServerProcess;
use redeemd::load::{Load, Outcome, Pace, Redemptions, Shape};
use support::machine;
use support::resident::{megabytes, resident_bytes};
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many connections share the requests.
const CONNECTIONS: usize = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let seconds = numbers.first().copied().unwrap_or(60);
    let rates: &[u64] = if numbers.len() > 1 { &numbers[1..] } else { &[1_000, 2_000, 5_000] };
    let folder = support::folder();
    let server = support::start(folder.path());
    let idle = megabytes(resident_bytes(server.id()));
    println!("{idle:.1} MB resident when idle; {seconds} s each, {CONNECTIONS} connections");
    println!(
        "{:>10} {:>9} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>10} {:>11}",
        "requests/s",
        "answers/s",
        "errors",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "server",
        "generator",
        "fdatasync/s"
    );
    for &rate in rates {
        measure(&server, rate, Duration::from_secs(seconds), folder.path());
    }
    ExitCode::SUCCESS
}

fn measure(server: &ServerProcess, rate: u64, duration: Duration, folder: &std::path::Path) {
    let key = server.admin_key.clone().unwrap();
    let due = rate * duration.as_secs();
    let supply = support::supply(server, &key, due);
    let load = Load {
        target: server.address.into(),
        connections: CONNECTIONS,
        threads: 1,
        pace: Pace::Open { rate: rate as f64, backlog: rate },
        duration,
        patience: Duration::from_secs(10),
    };
    let shape = Shape { idempotency_prefix: Some(format!("rates-{rate}-")), ..Shape::new() };
    let source = Arc::new(Redemptions::new(shape, &load.target, &key, supply));
    let syncs = Syncs::rate(folder);
    let processes = [server.id(), std::process::id()];
    let busy = processes.map(machine::processor_time);
    let taken = load.run(&source, |_| {}).unwrap();
    let busy = [0, 1].map(|place| machine::processor_time(processes[place]) - busy[place]);
    let share = |place: usize| busy[place].as_secs_f64() / taken.elapsed.as_secs_f64() * 100.0;
    let redeemed = taken.tally.with_status(201, 202);
    println!(
        "{rate:>10} {:>9.0} {:>6.3}% {:>8.2} {:>8.2} {:>8.2} {:>8.1} {:>7.1}% {:>9.1}% {syncs:>11.0}",
        redeemed as f64 / taken.elapsed.as_secs_f64(),
        (due - redeemed) as f64 / due as f64 * 100.0,
        milliseconds(&taken, 0.5),
        milliseconds(&taken, 0.95),
        milliseconds(&taken, 0.99),
        milliseconds(&taken, 1.0),
        share(0),
        share(1),
    );
}

/// Within which time this part of the requests was answered, from when they were due.
fn milliseconds(taken: &Outcome, part: f64) -> f64 {
    taken.tally.latency.value_at_quantile(part) as f64 / 1e3
}
