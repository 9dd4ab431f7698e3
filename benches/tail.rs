//! The tail of latency at a steady rate, and what the server did meanwhile: redemptions over HTTP in
//! an open loop, with the server on one core and the load generator on another.
//!
//! `cargo bench --bench tail -- [seconds] [rate] [connections]`. `REDEEMD_BENCH_FOLDER` chooses the
//! disk, `REDEEMD_BENCH_SETTINGS` holds settings of the server.
//!
//! How to read it: the quantiles count from when a request was due. Below stand the quantiles of each
//! second, so that a stall is seen where it was; then the server's own durations of the same time:
//! flushes of the journal, commits of the ledger, snapshots. The number before each second is the
//! monotonic clock's, so that it can be laid beside `perf record -k CLOCK_MONOTONIC`.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use redeemd::client::{Client, Request, ServerProcess};
use redeemd::load::{Load, Pace, Redemptions, Shape, Tally};
use support::machine;
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The core of the server, and that of the load generator.
const CORES: [usize; 2] = [0, 1];
/// For how long the disk is measured before and after.
const PROBE: Duration = Duration::from_secs(2);
/// The durations that the server counts and that are shown.
const DURATIONS: [&str; 4] = [
    "redeemd_http_request_duration_seconds",
    "redeemd_journal_flush_duration_seconds",
    "redeemd_ledger_commit_duration_seconds",
    "redeemd_snapshot_duration_seconds",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let duration = Duration::from_secs(numbers.first().copied().unwrap_or(30));
    let rate = numbers.get(1).copied().unwrap_or(30_000);
    let connections = numbers.get(2).copied().unwrap_or(256) as usize;
    let folder = support::folder();
    let server = support::start_on_core(folder.path(), CORES[0]);
    machine::keep_to_core(CORES[1]);
    let key = server.admin_key.clone().unwrap();
    let supply = support::supply(&server, &key, rate * duration.as_secs());
    let load = Load {
        target: server.address.into(),
        connections,
        threads: 1,
        pace: Pace::Open { rate: rate as f64, backlog: rate },
        duration,
        patience: Duration::from_secs(10),
    };
    let shape = Shape { idempotency_prefix: Some("tail-".to_owned()), ..Shape::new() };
    let source = Arc::new(Redemptions::new(shape, &load.target, &key, supply));
    let before = Syncs::probe(folder.path(), PROBE).quantile(0.99);
    let counts = durations(&server);
    let busy = machine::processor_time(server.id());
    println!("{:>10}  {}", "second", HEADINGS);
    let taken = load.run(&source, |moment| {
        println!("{:>10.3}  {}", machine::monotonic().as_secs_f64(), quantiles(moment.tally));
    });
    let taken = taken.unwrap();
    let busy = machine::processor_time(server.id()) - busy;
    let counted = durations(&server);
    let after = Syncs::probe(folder.path(), PROBE).quantile(0.99);
    let redeemed = taken.tally.with_status(201, 202);
    println!("{:>10}  {}", "all", quantiles(&taken.tally));
    println!(
        "{redeemed} redeemed, {} not; the server took {:.0}% of its core; fdatasync p99 {before:.2} \
         ms before and {after:.2} ms after",
        rate * duration.as_secs() - redeemed,
        busy.as_secs_f64() / taken.elapsed.as_secs_f64() * 100.0
    );
    for (name, count) in counted {
        let count = count - counts.get(&name).copied().unwrap_or(0.0);
        if count > 0.0 {
            println!("  {name} {count}");
        }
    }
    ExitCode::SUCCESS
}

const HEADINGS: &str = " answers   p50 ms   p95 ms   p99 ms p99.9 ms   max ms";

fn quantiles(tally: &Tally) -> String {
    let time = |part: f64| tally.latency.value_at_quantile(part) as f64 / 1e3;
    format!(
        "{:>8} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
        tally.answers,
        time(0.5),
        time(0.95),
        time(0.99),
        time(0.999),
        time(1.0)
    )
}

/// The buckets of the server's durations, as its metrics show them.
fn durations(server: &ServerProcess) -> BTreeMap<String, f64> {
    let mut client = Client::new(server.address);
    let mut page = Vec::new();
    client.send_to(&Request::get("/metrics"), &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    let lines = page.lines().filter(|line| DURATIONS.iter().any(|name| line.starts_with(name)));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, count)| (name.to_owned(), count.parse().unwrap()))
        .collect()
}
