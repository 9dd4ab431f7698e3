//! What following costs redeeming: durable redemptions over HTTP with nobody listening to the events
//! and with a thousand who do, in turn on the same server, and how far the thousand fall behind.
//!
//! `cargo bench --bench listeners -- [seconds a round] [rounds] [connections] [listeners]`; server,
//! load generator and listeners share the machine. `REDEEMD_BENCH_FOLDER` chooses the disk,
//! `REDEEMD_BENCH_SETTINGS` holds settings of the server, such as `events.max_bytes_per_second=65536`.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use redeemd::client::{Client, Request, ServerProcess};
use redeemd::load::{Load, Pace, Redemptions, Shape};
use support::syncs::Syncs;
use tokio::net::TcpStream;

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
    let number = |place: usize, usual: u64| numbers.get(place).copied().unwrap_or(usual);
    let duration = Duration::from_secs(number(0, 10));
    let (rounds, connections, listeners) = (number(1, 5), number(2, 64), number(3, 1_000));
    let folder = support::folder();
    let server = support::start(folder.path());
    let key = server.admin_key.clone().unwrap();
    println!("{connections} connections, rounds of {} s", duration.as_secs());
    println!(
        "{:>9} {:>13} {:>8} {:>8} {:>10} {:>9} {:>8} {:>11} {:>6}",
        "listeners",
        "redemptions/s",
        "p50 ms",
        "p99 ms",
        "events",
        "MB/s",
        "behind",
        "fdatasync/s",
        "ratio"
    );
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let mut rates = [0.0; 2];
        for (place, listeners) in [0, listeners].into_iter().enumerate() {
            let syncs = Syncs::rate(folder.path());
            let supply = support::supply(&server, &key, duration.as_secs() * CODES_A_SECOND);
            let audience = Audience::gather(&server, &key, listeners as usize);
            let before = sent_events(&server);
            let load = Load {
                target: server.address.into(),
                connections: connections as usize,
                threads: 1,
                pace: Pace::Closed,
                duration,
                patience: Duration::from_secs(60),
            };
            let source = Arc::new(Redemptions::new(Shape::new(), &load.target, &key, supply));
            let taken = load.run(&source, |_| {}).unwrap();
            let done = taken.tally.with_status(201, 202);
            assert!(!taken.ran_out && taken.tally.broken() == 0 && done == taken.tally.answers);
            let events = sent_events(&server) - before;
            let bytes = audience.leave();
            rates[place] = done as f64 / taken.elapsed.as_secs_f64();
            // Of every event that all should have, how many they do not have yet.
            let behind = 1.0 - events / (done * listeners).max(1) as f64;
            println!(
                "{listeners:>9} {:>13.0} {:>8.2} {:>8.2} {events:>10.0} {:>9.1} {:>7.1}% {syncs:>11.0} {:>6.2}",
                rates[place],
                taken.tally.latency.value_at_quantile(0.5) as f64 / 1e3,
                taken.tally.latency.value_at_quantile(0.99) as f64 / 1e3,
                bytes as f64 / taken.elapsed.as_secs_f64() / 1e6,
                if listeners == 0 { 0.0 } else { behind.max(0.0) * 100.0 },
                if place == 1 { rates[1] / rates[0] } else { 1.0 },
            );
        }
        ratios.push(rates[1] / rates[0]);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio of the rounds {:.2}", ratios[ratios.len() / 2]);
    ExitCode::SUCCESS
}

/// How many events the server has sent, to each listener counted.
fn sent_events(server: &ServerProcess) -> f64 {
    let page = Client::new(server.address).send(&Request::get("/metrics")).unwrap();
    let page = String::from_utf8_lossy(page.body()).into_owned();
    let line = page.lines().find_map(|line| line.strip_prefix("redeemd_events_sent_total "));
    line.unwrap().parse().unwrap()
}

/// Those who listen, on a thread of their own.
struct Audience {
    bytes: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Audience {
    /// So many listeners, all of which have heard the beginning of their stream.
    fn gather(server: &ServerProcess, key: &str, count: usize) -> Self {
        let (bytes, is_over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let ready = Arc::new(AtomicU64::new(0));
        let (address, key) = (server.address, key.to_owned());
        let thread = {
            let (bytes, is_over, ready) =
                (Arc::clone(&bytes), Arc::clone(&is_over), Arc::clone(&ready));
            std::thread::spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    for _ in 0..count {
                        let (bytes, ready) = (Arc::clone(&bytes), Arc::clone(&ready));
                        tokio::spawn(listen(address, key.clone(), bytes, ready));
                    }
                    while !is_over.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                });
            })
        };
        while ready.load(Ordering::Relaxed) < count as u64 {
            assert!(!thread.is_finished(), "the listeners failed");
            std::thread::sleep(Duration::from_millis(5));
        }
        bytes.store(0, Ordering::Relaxed);
        Self { bytes, is_over, thread }
    }

    /// They hang up; says how many bytes they had.
    fn leave(self) -> u64 {
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        bytes
    }
}

async fn listen(address: SocketAddr, key: String, bytes: Arc<AtomicU64>, ready: Arc<AtomicU64>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/events?after=now HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
         Authorization: Bearer {key}\r\n\r\n"
    );
    stream.writable().await.unwrap();
    assert_eq!(stream.try_write(request.as_bytes()).unwrap(), request.len());
    let mut buffer = vec![0; 64 << 10];
    let mut is_first = true;
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut buffer) {
            Ok(0) => panic!("a stream ended"),
            Ok(length) => {
                if std::mem::replace(&mut is_first, false) {
                    assert!(buffer.starts_with(b"HTTP/1.1 200"));
                    ready.fetch_add(1, Ordering::Relaxed);
                }
                bytes.fetch_add(length as u64, Ordering::Relaxed);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("a listener lost its stream: {error}"),
        }
    }
}
