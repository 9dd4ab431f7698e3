//! The copy in PostgreSQL: how quickly it drains beside the same rows copied by hand, how long after
//! a burst everything has arrived, what it costs those who redeem, and how much memory a backlog
//! takes.
//!
//! `cargo bench --bench postgres -- [rows to drain] [rows of the burst] [seconds a round] [rounds]
//! [rows of the backlog]`; 0 leaves a part out, the backlog is left out unless it is named. Server, load generator and PostgreSQL share the machine; PostgreSQL makes
//! everything durable, as it does by default. `REDEEMD_BENCH_FOLDER` chooses the server's disk,
//! `REDEEMD_BENCH_SETTINGS` holds settings of the server, such as `postgres.pool_size=1`. PostgreSQL
//! keeps its data where temporary folders are (`TMPDIR`).

#![allow(missing_docs, dead_code, clippy::print_stdout, clippy::unwrap_used)]
#![allow(clippy::expect_used, clippy::panic)]

#[path = "../tests/integration/support/fault_proxy.rs"]
mod fault_proxy;
#[path = "../tests/integration/support/guarded.rs"]
mod guarded;
#[path = "../tests/integration/support/postgres.rs"]
mod postgres;
mod support;

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fault_proxy::{Fault, FaultProxy};
use postgres::{Database, Postgres};
use redeemd::client::{Client, Request, ServerProcess};
use redeemd::load::{Load, Pace, Redemptions, Shape, Supply, Tally};
use support::resident::{Resident, megabytes, resident_bytes};
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many codes are issued for every second of a load: more than two cores redeem.
const CODES_A_SECOND: u64 = 130_000;

/// What each statement takes longer where the database is slow.
const SLOW: Duration = Duration::from_millis(200);

/// PostgreSQL as it is installed, but with room for what is written here.
const SETTINGS: [&str; 4] =
    ["fsync=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=4GB"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let number = |place: usize, usual: u64| numbers.get(place).copied().unwrap_or(usual);
    let (drained, burst) = (number(0, 500_000), number(1, 1_000_000));
    let (seconds, rounds) = (number(2, 10), number(3, 3));
    if drained > 0 {
        drain(drained);
    }
    if burst > 0 {
        arrive(burst);
    }
    if seconds > 0 {
        compare(Duration::from_secs(seconds), rounds);
    }
    if let backlog @ 1.. = number(4, 0) {
        hoard(backlog);
    }
    ExitCode::SUCCESS
}

/// How quickly a backlog drains, beside the same rows copied by hand.
fn drain(count: u64) {
    let folder = support::folder();
    let mut server = support::start(folder.path());
    let key = server.admin_key.clone().unwrap();
    redeem_all(&server, &key, count);
    server.finish().unwrap();
    let postgres = Postgres::start_with(&[], &SETTINGS);
    let database = postgres.database();
    let syncs = Syncs::rate(folder.path());
    let begun = Instant::now();
    let server = support::start_with(folder.path(), &[setting(&database.url())]);
    wait_until_drained(&server, count);
    let projected = count as f64 / begun.elapsed().as_secs_f64();
    assert_eq!(database.count("SELECT count(*) FROM redeemd.redemptions"), count);
    drop(server);
    // Into tables like the first, with their indexes, in one transaction on each connection: what
    // reports read, and the outcomes as they are, which a rebuild reads.
    let by_hand = |connections: u64, is_from_client: bool| {
        let parts: Vec<String> = (0..connections)
            .map(|part| {
                let file = format!("/tmp/redeemd-bench-{}-{part}", std::process::id());
                for table in ["redemptions", "outcomes"] {
                    database.ask(&format!(
                        "COPY (SELECT * FROM redeemd.{table} WHERE sequence % {connections} = {part})
                         TO '{file}-{table}' (FORMAT binary)"
                    ));
                }
                file
            })
            .collect();
        database.ask(
            "CREATE SCHEMA hand;
             CREATE TABLE hand.redemptions (LIKE redeemd.redemptions INCLUDING ALL)
                 PARTITION BY RANGE (redeemed_at);
             CREATE TABLE hand.everything PARTITION OF hand.redemptions DEFAULT;
             CREATE TABLE hand.outcomes (LIKE redeemd.outcomes INCLUDING ALL);
             CHECKPOINT",
        );
        let begun = Instant::now();
        let database = &database;
        std::thread::scope(|scope| {
            for file in &parts {
                scope.spawn(move || copy_by_hand(database, file, is_from_client));
            }
        });
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        assert_eq!(database.count("SELECT count(*) FROM hand.redemptions"), count);
        database.ask("DROP SCHEMA hand CASCADE");
        for file in &parts {
            std::fs::remove_file(format!("{file}-redemptions")).unwrap();
            std::fs::remove_file(format!("{file}-outcomes")).unwrap();
        }
        rate
    };
    println!("drained {count} redemptions, {syncs:.0} fdatasync/s");
    println!("{:>24} {:>10} {:>6}", "", "rows/s", "ratio");
    println!("{:>24} {projected:>10.0} {:>6}", "redeemd", "");
    for (connections, is_from_client) in [(1, true), (2, true), (2, false)] {
        let rate = by_hand(connections, is_from_client);
        let place = if is_from_client { "by a client" } else { "by itself" };
        let name = format!("{place}, {connections} at once");
        println!("{name:>24} {rate:>10.0} {:>6.2}", projected / rate);
    }
}

/// Copies a part of the rows in one transaction: by a client that sends them, as the server does, or
/// by PostgreSQL from its own files, which spares it that.
fn copy_by_hand(database: &Database<'_>, file: &str, is_from_client: bool) {
    let copy = if is_from_client { r"\copy" } else { "COPY" };
    let copies = ["redemptions", "outcomes"]
        .map(|table| format!("{copy} hand.{table} FROM '{file}-{table}' (FORMAT binary)"));
    let mut psql = Command::new("psql");
    psql.args(["-Xq1", "-v", "ON_ERROR_STOP=1", "-d", &database.url()]);
    copies.iter().for_each(|copy| _ = psql.args(["-c", copy]));
    assert!(psql.status().unwrap().success());
}

/// How long after a burst all of it is in the database.
fn arrive(count: u64) {
    let folder = support::folder();
    let postgres = Postgres::start_with(&[], &SETTINGS);
    let database = postgres.database();
    let syncs = Syncs::rate(folder.path());
    let server = support::start_with(folder.path(), &[setting(&database.url())]);
    let key = server.admin_key.clone().unwrap();
    let took = redeem_all(&server, &key, count);
    let begun = Instant::now();
    wait_until_drained(&server, count);
    let arrived = begun.elapsed().as_secs_f64();
    assert_eq!(database.count("SELECT count(*) FROM redeemd.redemptions"), count);
    println!(
        "a burst of {count} in {:.1} s ({:.0}/s) was there {arrived:.1} s after the last answer; \
         {syncs:.0} fdatasync/s",
        took.as_secs_f64(),
        count as f64 / took.as_secs_f64()
    );
}

/// What a database costs those who redeem.
fn compare(duration: Duration, rounds: u64) {
    println!("64 connections, rounds of {} s", duration.as_secs());
    println!(
        "{:>10} {:>13} {:>6} {:>8} {:>8} {:>6} {:>12} {:>11}",
        "postgres",
        "redemptions/s",
        "ratio",
        "p50 ms",
        "p99 ms",
        "ratio",
        "its cores",
        "fdatasync/s"
    );
    // The last has no database either: what one takes of the processors is burnt instead.
    let names = ["off", "on", "stopped", "slow", "burnt"];
    let mut all: [Vec<(f64, f64)>; 5] = Default::default();
    for _ in 0..rounds {
        let mut first = None;
        let mut taken = 0.0;
        for (name, figures) in names.into_iter().zip(&mut all) {
            let folder = support::folder();
            let mut postgres = Postgres::start_with(&[], &SETTINGS);
            let name_of_it = postgres.database().name().to_owned();
            let proxy = FaultProxy::start(postgres.port());
            let settings = match name {
                "off" | "burnt" => Vec::new(),
                "slow" => vec![setting(&proxy.url(&name_of_it))],
                _ => vec![setting(&postgres.url(&name_of_it))],
            };
            let server = support::start_with(folder.path(), &settings);
            let key = server.admin_key.clone().unwrap();
            let supply = support::supply(&server, &key, duration.as_secs() * CODES_A_SECOND);
            match name {
                "stopped" => postgres.stop(),
                "slow" => proxy.set(Fault::Delay(SLOW)),
                _ => {}
            }
            let syncs = Syncs::rate(folder.path());
            let before = processor_time(&postgres, name);
            let fire = (name == "burnt").then(|| Fire::light(taken));
            let (tally, elapsed) = load(&server, &key, supply, None, duration);
            let mut cores = (processor_time(&postgres, name) - before) / elapsed.as_secs_f64();
            match name {
                "on" => taken = cores,
                "burnt" => cores = taken,
                _ => {}
            }
            drop(fire);
            let rate = tally.answers as f64 / elapsed.as_secs_f64();
            let quantile = |part| tally.latency.value_at_quantile(part) as f64 / 1e3;
            let (p50, p99) = (quantile(0.5), quantile(0.99));
            let (usual_rate, usual_p99) = *first.get_or_insert((rate, p99));
            figures.push((rate / usual_rate, p99 / usual_p99));
            println!(
                "{name:>10} {rate:>13.0} {:>6.2} {p50:>8.2} {p99:>8.2} {:>6.2} {cores:>12.2} {syncs:>11.0}",
                rate / usual_rate,
                p99 / usual_p99,
            );
        }
    }
    for (name, figures) in names.iter().zip(&all).skip(1) {
        let median = |of: fn(&(f64, f64)) -> f64| {
            let mut values: Vec<f64> = figures.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "{name:>10} median of {:.2} in rate, {:.2} in p99",
            median(|it| it.0),
            median(|it| it.1)
        );
    }
}

/// Processor time that is burnt on both cores, in bursts as a database takes it for its batches.
struct Fire {
    is_out: Arc<AtomicBool>,
}

impl Fire {
    const PERIOD: Duration = Duration::from_millis(500);

    fn light(cores: f64) -> Self {
        let is_out = Arc::new(AtomicBool::new(false));
        for _ in 0..2 {
            let is_out = Arc::clone(&is_out);
            std::thread::spawn(move || {
                while !is_out.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let busy = Self::PERIOD.mul_f64((cores / 2.0).min(1.0));
                    while begun.elapsed() < busy {
                        std::hint::spin_loop();
                    }
                    std::thread::sleep(Self::PERIOD.saturating_sub(begun.elapsed()));
                }
            });
        }
        Self { is_out }
    }
}

impl Drop for Fire {
    fn drop(&mut self) {
        self.is_out.store(true, Ordering::Relaxed);
    }
}

/// How much memory the server has while a backlog grows and when it drains, beside one without a
/// database.
fn hoard(count: u64) {
    let part = (count / 10).max(1);
    println!("resident memory in MB, after so many redemptions");
    println!("{:>12} {:>12} {:>12}", "redemptions", "no database", "stopped");
    let mut postgres = Postgres::start_with(&[], &SETTINGS);
    let url = postgres.url(postgres.database().name());
    let folders = [support::folder(), support::folder()];
    let [alone, server] = [
        support::start(folders[0].path()),
        support::start_with(folders[1].path(), &[setting(&url)]),
    ];
    postgres.stop();
    let keys = [&alone, &server].map(|server| server.admin_key.clone().unwrap());
    for done in (part..=count).step_by(part as usize) {
        let [without, with] = [(&alone, &keys[0]), (&server, &keys[1])].map(|(server, key)| {
            redeem_all(server, key, part);
            megabytes(resident_bytes(server.id()))
        });
        println!("{done:>12} {without:>12.0} {with:>12.0}");
    }
    drop(alone);
    let resident = Resident::watch(server.id());
    postgres.run();
    let begun = Instant::now();
    wait_until_drained(&server, count / part * part);
    let took = begun.elapsed().as_secs_f64();
    let sizes = resident.end();
    println!(
        "drained in {took:.0} s ({:.0}/s), at most {:.0} MB, {:.0} MB in the end",
        count as f64 / took,
        megabytes(sizes.most),
        megabytes(sizes.after)
    );
}

fn setting(url: &str) -> String {
    format!("postgres.url={url}")
}

/// Redeems so many codes, in batches, as quickly as it goes.
fn redeem_all(server: &ServerProcess, key: &str, count: u64) -> Duration {
    let supply = support::supply(server, key, count);
    let long = Duration::from_secs(3_600);
    let (tally, elapsed) = load(server, key, supply, Some(500), long);
    assert_eq!(tally.broken(), 0);
    elapsed
}

fn load(
    server: &ServerProcess,
    key: &str,
    supply: Arc<Supply>,
    batch: Option<usize>,
    duration: Duration,
) -> (Tally, Duration) {
    let load = Load {
        target: server.address.into(),
        connections: if batch.is_some() { 4 } else { 64 },
        threads: 1,
        pace: Pace::Closed,
        duration,
        patience: Duration::from_secs(60),
    };
    let shape = Shape { batch, ..Shape::new() };
    let source = Arc::new(Redemptions::new(shape, &load.target, key, supply));
    let taken = load.run(&source, |_| {}).unwrap();
    assert!(taken.tally.broken() == 0 && (batch.is_some() || !taken.ran_out));
    (taken.tally, taken.elapsed)
}

/// Waits until nothing waits for the database any more, and so many have arrived.
fn wait_until_drained(server: &ServerProcess, count: u64) {
    let mut client = Client::new(server.address);
    loop {
        let page = client.send(&Request::get("/metrics")).unwrap();
        let page = String::from_utf8_lossy(page.body()).into_owned();
        let value = |name: &str| -> f64 {
            let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap().parse().unwrap()
        };
        let is_drained = value("redeemd_postgres_backlog_entries") == 0.0;
        if is_drained && value("redeemd_postgres_outcomes_total") >= count as f64 {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many seconds of processor time all processes of a server have taken.
fn processor_time(postgres: &Postgres, name: &str) -> f64 {
    if name == "stopped" {
        return 0.0;
    }
    let (parent, children) = postgres.processes();
    let ticks = |pid: i32, fields: std::ops::Range<usize>| -> u64 {
        // A child may have ended; then its time is its parent's.
        let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0 };
        let all: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
        all[fields].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    };
    let own = ticks(parent, 11..15);
    let theirs: u64 = children.into_iter().map(|child| ticks(child, 11..13)).sum();
    (own + theirs) as f64 / 100.0
}

/// What the servers' support waits with; it has a minute.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
