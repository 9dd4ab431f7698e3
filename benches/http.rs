//! Durable redemptions over HTTP, one code a request, beside the same server's route that
//! authenticates, parses the same body and answers without a shard. What the difference costs is
//! what actors, journal, ledger and snapshots cost.
//!
//! `cargo bench --bench http -- [seconds a round] [rounds] [connections …]`; server and load
//! generator share the machine. `REDEEMD_BENCH_FOLDER` chooses the disk, `REDEEMD_BENCH_SETTINGS`
//! holds settings of the server, such as `shards.count=1 http.workers=1`.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use redeemd::load::{Load, Outcome, Pace, Redemptions, Shape};
use support::machine;
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many codes are issued for every second of a load: more than two cores redeem.
const CODES_A_SECOND: u64 = 130_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let seconds = numbers.first().copied().unwrap_or(10);
    let rounds = numbers.get(1).copied().unwrap_or(5);
    let connections: Vec<u64> =
        if numbers.len() > 2 { numbers[2..].to_vec() } else { vec![64, 256] };
    for connections in connections {
        compare(Duration::from_secs(seconds), rounds, connections as usize);
    }
    ExitCode::SUCCESS
}

fn compare(duration: Duration, rounds: u64, connections: usize) {
    let folder = support::folder();
    let server = support::start(folder.path());
    let key = server.admin_key.clone().unwrap();
    println!("{connections} connections, rounds of {} s", duration.as_secs());
    println!(
        "{:>10} {:>11} {:>9} {:>9} {:>11} {:>7} {:>11} {:>7}",
        "route", "answers/s", "p50 µs", "p99 µs", "server µs", "failed", "fdatasync/s", "ratio"
    );
    let mut ratios = Vec::new();
    for round in 0..rounds + 1 {
        let mut rates = [0.0; 2];
        for (place, path) in ["/bench/baseline", "/api/v1/redemptions"].into_iter().enumerate() {
            let syncs = Syncs::rate(folder.path());
            // The last round lasts a minute, ledger and snapshots included.
            let duration = if round == rounds { Duration::from_secs(60) } else { duration };
            let supply = support::supply(&server, &key, duration.as_secs() * CODES_A_SECOND);
            let load = Load {
                target: server.address.into(),
                connections,
                threads: 1,
                pace: Pace::Closed,
                duration,
                patience: Duration::from_secs(60),
            };
            let shape = Shape { path: path.to_owned(), ..Shape::new() };
            let source = Arc::new(Redemptions::new(shape, &load.target, &key, supply));
            let busy = machine::processor_time(server.id());
            let taken = load.run(&source, |_| {}).unwrap();
            let busy = machine::processor_time(server.id()) - busy;
            let answers = taken.tally.answers;
            rates[place] = answers as f64 / taken.elapsed.as_secs_f64();
            let ratio = if place == 1 { rates[1] / rates[0] } else { 1.0 };
            println!(
                "{:>10} {:>11.0} {:>9} {:>9} {:>11.1} {:>7} {:>11.0} {ratio:>7.2}",
                ["baseline", "redeem"][place],
                rates[place],
                taken.tally.latency.value_at_quantile(0.5),
                taken.tally.latency.value_at_quantile(0.99),
                busy.as_secs_f64() * 1e6 / answers.max(1) as f64,
                failed(&taken),
                syncs,
            );
        }
        ratios.push(rates[1] / rates[0]);
    }
    let minute = ratios.pop().unwrap_or(0.0);
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or(minute);
    println!("median ratio of the rounds {median:.2}, of the minute {minute:.2}\n");
}

/// What was not redeemed.
fn failed(taken: &Outcome) -> u64 {
    assert!(!taken.ran_out, "there were too few codes");
    taken.tally.broken() + taken.tally.answers - taken.tally.with_status(201, 202)
}
