//! Durable redemptions over HTTP, one code a request, beside the same server's route that
//! authenticates, parses the same body and answers without a shard. What the difference costs is
//! what actors, journal, ledger and snapshots cost.
//!
//! `cargo bench --bench http -- [seconds a round] [rounds] [connections …]`; server and load
//! generator share the machine. `REDEEMD_BENCH_FOLDER` chooses the disk, `REDEEMD_BENCH_SETTINGS`
//! holds settings of the server, such as `shards.count=1 http.workers=1`.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use support::LINE;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many codes are issued: enough for a minute at any rate that two cores reach.
const CODES: u64 = 8_000_000;

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
    let codes: Rc<[u8]> = support::issue(&server, &key, CODES).into();
    let next = Rc::new(Cell::new(0));
    println!("{connections} connections, rounds of {} s", duration.as_secs());
    println!(
        "{:>10} {:>11} {:>9} {:>9} {:>11} {:>7} {:>11} {:>7}",
        "route", "answers/s", "p50 µs", "p99 µs", "server µs", "failed", "fdatasync/s", "ratio"
    );
    let mut ratios = Vec::new();
    for round in 0..rounds + 1 {
        let mut rates = [0.0; 2];
        for (place, path) in ["/bench/baseline", "/api/v1/redemptions"].into_iter().enumerate() {
            let syncs = support::fdatasync_rate(folder.path());
            // The last round lasts a minute, ledger and snapshots included.
            let duration = if round == rounds { Duration::from_secs(60) } else { duration };
            let load = Load { address: server.address, path, key: key.clone(), connections };
            let busy = support::processor_time(server.id());
            let taken = load.run(duration, &codes, &next);
            let busy = support::processor_time(server.id()) - busy;
            rates[place] = taken.answers as f64 / taken.elapsed.as_secs_f64();
            let ratio = if place == 1 { rates[1] / rates[0] } else { 1.0 };
            println!(
                "{:>10} {:>11.0} {:>9} {:>9} {:>11.1} {:>7} {:>11.0} {ratio:>7.2}",
                ["baseline", "redeem"][place],
                rates[place],
                taken.quantile(0.5),
                taken.quantile(0.99),
                busy.as_secs_f64() * 1e6 / taken.answers.max(1) as f64,
                taken.failed,
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

#[derive(Clone)]
struct Load {
    address: SocketAddr,
    path: &'static str,
    key: String,
    connections: usize,
}

#[derive(Default)]
struct Taken {
    answers: u64,
    failed: u64,
    elapsed: Duration,
    microseconds: Vec<u32>,
}

impl Taken {
    fn quantile(&self, part: f64) -> u32 {
        let place = (self.microseconds.len() as f64 * part) as usize;
        self.microseconds.get(place).copied().unwrap_or(0)
    }
}

impl Load {
    fn run(&self, duration: Duration, codes: &Rc<[u8]>, next: &Rc<Cell<usize>>) -> Taken {
        actix_web::rt::System::new().block_on(async {
            let taken = Rc::new(RefCell::new(Taken::default()));
            let begun = Instant::now();
            let connections: Vec<_> = (0..self.connections)
                .map(|_| {
                    let (load, codes, next) = (self.clone(), codes.clone(), next.clone());
                    let taken = taken.clone();
                    actix_web::rt::spawn(async move {
                        load.connection(begun + duration, &codes, &next, &taken).await;
                    })
                })
                .collect();
            for connection in connections {
                connection.await.unwrap();
            }
            let mut taken = taken.take();
            taken.elapsed = begun.elapsed();
            taken.microseconds.sort_unstable();
            taken
        })
    }

    async fn connection(
        &self,
        end: Instant,
        codes: &[u8],
        next: &Cell<usize>,
        taken: &RefCell<Taken>,
    ) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut request, mut answer) = (Vec::new(), Vec::new());
        while Instant::now() < end {
            let place = next.replace((next.get() + 1) % CODES as usize) * LINE;
            let code = std::str::from_utf8(&codes[place..place + LINE - 1]).unwrap();
            let body = format!(r#"{{"code":"{code}","user_id":"user-{place:09}"}}"#);
            request.clear();
            write!(
                request,
                "POST {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                self.path,
                self.address,
                self.key,
                body.len()
            )
            .unwrap();
            let asked = Instant::now();
            support::send(&stream, &request).await;
            let (status, _) = support::receive(&stream, &mut answer).await;
            let mut taken = taken.borrow_mut();
            taken.answers += 1;
            taken.failed += u64::from(status != 201);
            taken.microseconds.push(asked.elapsed().as_micros() as u32);
        }
    }
}
