//! More to do than can be done: redemptions over HTTP, with the server on one core and the load
//! generator on another, each with an idempotency key.
//!
//! 1. The peak: closed loops of more and more connections; the best rate of redemptions counts.
//! 2. Half of the peak, in an open loop: a request is due when the schedule says so. The goal is a
//!    p99 within twice the disk's p99 of `fdatasync` in the same minute, plus 1 ms.
//! 3. Twice the peak, in an open loop. The goals are goodput, redemptions that were answered with
//!    201, of at least 90% of the peak; refusals (503 `overloaded`) with a p99 under 5 ms; and bounded
//!    memory.
//!
//! `cargo bench --bench overload -- [seconds] [connections …]`, where each number of connections has
//! an overload of its own. `REDEEMD_BENCH_FOLDER` chooses the disk, `REDEEMD_BENCH_SETTINGS` holds
//! settings of the server.
//!
//! How to read it: a connection carries one request at a time, as with HTTP/1.1, so an open loop can
//! only put on the server what its connections have room for. What was due and found none in time is
//! shown as "not sent": the server held those off without a word. The times of answers count from
//! when they were sent, those of the half load from when they were due.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redeemd::client::ServerProcess;
use redeemd::load::{Load, Outcome, Pace, Redemptions, Shape};
use support::machine;
use support::resident::{Resident, megabytes};
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The core of the server, and that of the load generator.
const CORES: [usize; 2] = [0, 1];
/// How many connections the closed loops have.
const CLOSED: [usize; 5] = [16, 64, 128, 256, 512];
/// For how long each of them lasts.
const CLOSED_DURATION: Duration = Duration::from_secs(5);
/// More than one core answers in a second.
const MOST_A_SECOND: u64 = 200_000;
/// How many connections the half load has.
const HALF_CONNECTIONS: usize = 256;
/// For how long the disk is measured before and after the half load.
const PROBE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let duration = Duration::from_secs(numbers.first().copied().unwrap_or(20));
    let connections: &[u64] = if numbers.len() > 1 { &numbers[1..] } else { &[512, 2_048] };
    let folder = support::folder();
    let server = support::start_on_core(folder.path(), CORES[0]);
    machine::keep_to_core(CORES[1]);
    let bench = Bench { key: server.admin_key.clone().unwrap(), server, loads: AtomicU64::new(0) };
    let peak = bench.peak(folder.path());
    bench.half(peak / 2.0, duration, folder.path());
    for &connections in connections {
        bench.twice(peak, duration, connections as usize, folder.path());
    }
    ExitCode::SUCCESS
}

struct Bench {
    server: ServerProcess,
    key: String,
    /// How many loads there were, so that each has idempotency keys of its own.
    loads: AtomicU64,
}

impl Bench {
    /// The most redemptions in a second.
    fn peak(&self, folder: &Path) -> f64 {
        println!("closed loops, {} s each", CLOSED_DURATION.as_secs());
        println!(
            "{:>12} {:>14} {:>8} {:>8} {:>10} {:>11}",
            "connections", "redemptions/s", "p50 ms", "p99 ms", "server µs", "fdatasync/s"
        );
        let mut peak: f64 = 0.0;
        for connections in CLOSED {
            let syncs = Syncs::rate(folder);
            let count = MOST_A_SECOND * CLOSED_DURATION.as_secs();
            let (taken, [busy, _]) = self.run(Pace::Closed, CLOSED_DURATION, connections, count);
            let rate = a_second(&taken, taken.tally.with_status(201, 202));
            println!(
                "{connections:>12} {rate:>14.0} {:>8.2} {:>8.2} {:>10.1} {syncs:>11.0}",
                taken.tally.latency.value_at_quantile(0.5) as f64 / 1e3,
                taken.tally.latency.value_at_quantile(0.99) as f64 / 1e3,
                busy.as_secs_f64() * 1e6 / taken.tally.answers.max(1) as f64,
            );
            peak = peak.max(rate);
        }
        println!("peak: {peak:.0} redemptions a second\n");
        peak
    }

    /// How soon answers come at half of the peak, beside the disk.
    fn half(&self, rate: f64, duration: Duration, folder: &Path) {
        let before = Syncs::probe(folder, PROBE).quantile(0.99);
        let pace = Pace::Open { rate, backlog: rate as u64 };
        let count = due(rate, duration);
        let (taken, _) = self.run(pace, duration, HALF_CONNECTIONS, count);
        let after = Syncs::probe(folder, PROBE).quantile(0.99);
        let p99 = taken.tally.latency.value_at_quantile(0.99) as f64 / 1e3;
        let redeemed = taken.tally.with_status(201, 202);
        println!(
            "half of the peak, open loop, {} s, {HALF_CONNECTIONS} connections",
            duration.as_secs()
        );
        println!("  {rate:.0} due a second, {} of {count} not answered with 201", count - redeemed);
        println!(
            "  p50 {:.2} ms, p99 {p99:.2} ms, from when they were due",
            taken.tally.latency.value_at_quantile(0.5) as f64 / 1e3
        );
        println!(
            "  fdatasync p99 {before:.2} ms before and {after:.2} ms after: goal {:.2} to {:.2} ms\n",
            2.0 * before.min(after) + 1.0,
            2.0 * before.max(after) + 1.0
        );
    }

    /// What becomes of twice the peak.
    fn twice(&self, peak: f64, duration: Duration, connections: usize, folder: &Path) {
        let rate = 2.0 * peak;
        let syncs = Syncs::rate(folder);
        let resident = Resident::watch(self.server.id());
        let pace = Pace::Open { rate, backlog: connections as u64 };
        let count = due(rate, duration);
        let (taken, busy) = self.run(pace, duration, connections, count);
        let resident = resident.end();
        let tally = &taken.tally;
        let redeemed = tally.with_status(201, 202);
        let overloaded = tally.problems.get("overloaded").copied().unwrap_or_default();
        let others = tally.answers - redeemed - overloaded;
        println!("twice the peak, open loop, {} s, {connections} connections", duration.as_secs());
        println!(
            "  {rate:.0} due a second, {:.0} answered, {:.0} not sent in time, {} without an answer",
            a_second(&taken, tally.answers),
            a_second(&taken, tally.not_sent),
            tally.broken()
        );
        println!(
            "  goodput {:.0} a second, {:.0}% of the peak",
            a_second(&taken, redeemed),
            a_second(&taken, redeemed) / peak * 100.0
        );
        let times = |part: f64| tally.service.value_at_quantile(part) as f64 / 1e3;
        println!("  all answers within {:.2} ms (p50) and {:.2} ms (p99)", times(0.5), times(0.99));
        let times = |part: f64| tally.refused.value_at_quantile(part) as f64 / 1e3;
        println!(
            "  refusals {:.0} a second, within {:.2} ms (p50) and {:.2} ms (p99); other answers {others}",
            a_second(&taken, overloaded),
            times(0.5),
            times(0.99)
        );
        println!(
            "  server: {:.0}% of its core, {:.1} MB before, {:.1} MB at most, {:.1} MB after",
            share(&taken, busy[0]),
            megabytes(resident.before),
            megabytes(resident.most),
            megabytes(resident.after)
        );
        println!(
            "  load generator: {:.0}% of its core; fdatasync {syncs:.0} a second\n",
            share(&taken, busy[1])
        );
    }

    /// Puts a load on the server. Gives what came of it, and the processor time that the server and
    /// the load generator took.
    fn run(
        &self,
        pace: Pace,
        duration: Duration,
        connections: usize,
        count: u64,
    ) -> (Outcome, [Duration; 2]) {
        let supply = support::supply(&self.server, &self.key, count);
        let load = Load {
            target: self.server.address.into(),
            connections,
            threads: 1,
            pace,
            duration,
            patience: Duration::from_secs(10),
        };
        let number = self.loads.fetch_add(1, Ordering::Relaxed);
        let shape = Shape { idempotency_prefix: Some(format!("load-{number}-")), ..Shape::new() };
        let source = Arc::new(Redemptions::new(shape, &load.target, &self.key, supply));
        let processes = [self.server.id(), std::process::id()];
        let before = processes.map(machine::processor_time);
        let taken = load.run(&source, |_| {}).unwrap();
        let after = processes.map(machine::processor_time);
        assert!(!taken.ran_out, "there were too few codes");
        (taken, [after[0] - before[0], after[1] - before[1]])
    }
}

/// How many requests a schedule has.
fn due(rate: f64, duration: Duration) -> u64 {
    (rate * duration.as_secs_f64()).round() as u64
}

/// The share of one core, in percent.
fn share(taken: &Outcome, busy: Duration) -> f64 {
    busy.as_secs_f64() / taken.elapsed.as_secs_f64() * 100.0
}

fn a_second(taken: &Outcome, count: u64) -> f64 {
    count as f64 / taken.elapsed.as_secs_f64()
}
