//! Durable redemptions over HTTP in batches of a thousand: `POST /redemptions/batch`, with journal,
//! ledger and snapshots on. The goal is 300,000 redemptions a second on two cores, with the load
//! generator on the same cores.
//!
//! `cargo bench --bench batch -- [seconds a round] [rounds] [seconds of the last] [connections …]`.
//! `REDEEMD_BENCH_FOLDER` chooses the disk, `REDEEMD_BENCH_SETTINGS` holds settings of the server.
//!
//! How to read it: the median is that of the short rounds. The last round lasts a minute by default,
//! so that ledger and snapshots have to keep up; its rate stands by itself.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod support;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use support::LINE;
use support::machine;
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many codes are issued for every second of a round: more than two cores redeem.
const CODES_A_SECOND: u64 = 700_000;
/// How many codes a batch redeems.
const BATCH: usize = 1_000;
/// What stands around a code and a user's number in a batch. The sign in the user's name stands
/// nowhere else, so that redemptions can be counted in an answer without reading it.
const PARTS: [&[u8]; 3] = [b"{\"code\":\"", b"\",\"user_id\":\"user@", b"\"},"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if support::is_server(&arguments) {
        return support::serve(&arguments);
    }
    let numbers = support::numbers(&arguments);
    let seconds = numbers.first().copied().unwrap_or(5);
    let rounds = numbers.get(1).copied().unwrap_or(3);
    let last = numbers.get(2).copied().unwrap_or(60);
    let connections: &[u64] = if numbers.len() > 3 { &numbers[3..] } else { &[4, 16] };
    let mut durations = vec![Duration::from_secs(seconds); rounds as usize];
    durations.push(Duration::from_secs(last));
    for &connections in connections {
        measure(&durations, connections as usize);
    }
    ExitCode::SUCCESS
}

fn measure(durations: &[Duration], connections: usize) {
    let folder = support::folder();
    let server = support::start(folder.path());
    let key = server.admin_key.clone().unwrap();
    println!("{connections} connections, batches of {BATCH}");
    println!(
        "{:>7} {:>13} {:>9} {:>9} {:>10} {:>8} {:>11}",
        "seconds", "redemptions/s", "p50 ms", "p99 ms", "server µs", "failed", "fdatasync/s"
    );
    let mut rates = Vec::new();
    for &duration in durations {
        let codes = support::issue(&server, &key, duration.as_secs() * CODES_A_SECOND).into();
        let syncs = Syncs::rate(folder.path());
        let busy = machine::processor_time(server.id());
        let taken = run(server.address, &key, connections, duration, &codes);
        let busy = machine::processor_time(server.id()) - busy;
        let rate = taken.redeemed as f64 / taken.elapsed.as_secs_f64();
        rates.push(rate);
        println!(
            "{:>7} {rate:>13.0} {:>9.2} {:>9.2} {:>10.2} {:>8} {syncs:>11.0}",
            duration.as_secs(),
            taken.quantile(0.5),
            taken.quantile(0.99),
            busy.as_secs_f64() * 1e6 / taken.redeemed.max(1) as f64,
            taken.failed,
        );
    }
    let last = rates.pop().unwrap_or_default();
    rates.sort_by(f64::total_cmp);
    let median = rates.get(rates.len() / 2).copied().unwrap_or(last);
    println!("median {median:.0} redemptions a second, in the last round {last:.0}\n");
}

#[derive(Default)]
struct Taken {
    redeemed: usize,
    failed: usize,
    elapsed: Duration,
    latencies: Vec<Duration>,
}

impl Taken {
    /// In milliseconds.
    fn quantile(&self, part: f64) -> f64 {
        let place = (self.latencies.len() as f64 * part) as usize;
        self.latencies.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

fn run(
    address: SocketAddr,
    key: &str,
    connections: usize,
    duration: Duration,
    codes: &Rc<[u8]>,
) -> Taken {
    let next = Rc::new(Cell::new(0));
    actix_web::rt::System::new().block_on(async {
        let taken = Rc::new(RefCell::new(Taken::default()));
        let begun = Instant::now();
        let connections: Vec<_> = (0..connections)
            .map(|_| {
                let (key, codes, next) = (key.to_owned(), codes.clone(), next.clone());
                let (end, taken) = (begun + duration, taken.clone());
                actix_web::rt::spawn(async move {
                    connection(address, &key, end, &codes, &next, &taken).await;
                })
            })
            .collect();
        for connection in connections {
            connection.await.unwrap();
        }
        let mut taken = taken.take();
        taken.elapsed = begun.elapsed();
        taken.latencies.sort_unstable();
        taken
    })
}

async fn connection(
    address: SocketAddr,
    key: &str,
    end: Instant,
    codes: &[u8],
    next: &Cell<usize>,
    taken: &RefCell<Taken>,
) {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut request, mut body, mut answer) = (Vec::new(), Vec::new(), Vec::new());
    while Instant::now() < end {
        let first = next.replace(next.get() + BATCH);
        let codes = codes.get(first * LINE..(first + BATCH) * LINE);
        write_body(codes.expect("there are enough codes"), first, &mut body);
        request.clear();
        request.extend_from_slice(
            format!(
                "POST /api/v1/redemptions/batch HTTP/1.1\r\nHost: {address}\r\nAuthorization: \
                 Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .as_bytes(),
        );
        request.extend_from_slice(&body);
        let asked = Instant::now();
        send(&stream, &request).await;
        let (status, begin) = receive(&stream, &mut answer).await;
        let redeemed = answer[begin..].iter().filter(|&&byte| byte == b'@').count();
        assert_eq!(status, 200);
        let mut taken = taken.borrow_mut();
        taken.redeemed += redeemed;
        taken.failed += BATCH - redeemed;
        taken.latencies.push(asked.elapsed());
    }
}

/// A batch of these codes, the first of which has this number.
fn write_body(codes: &[u8], first: usize, body: &mut Vec<u8>) {
    body.clear();
    body.extend_from_slice(b"{\"redemptions\":[");
    for (number, line) in (first..).zip(codes.chunks(LINE)) {
        body.extend_from_slice(PARTS[0]);
        body.extend_from_slice(&line[..LINE - 1]);
        body.extend_from_slice(PARTS[1]);
        let digit = |place: u32| b'0' + (number / 10usize.pow(place) % 10) as u8;
        body.extend_from_slice(&[7, 6, 5, 4, 3, 2, 1, 0].map(digit));
        body.extend_from_slice(PARTS[2]);
    }
    body.pop();
    body.extend_from_slice(b"]}");
}

/// Sends a whole request.
async fn send(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                stream.writable().await.unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Receives one answer and gives its status and where its body begins.
async fn receive(stream: &TcpStream, answer: &mut Vec<u8>) -> (u16, usize) {
    answer.clear();
    let mut buffer = [0; 65_536];
    let mut head = None;
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut buffer) {
            Ok(0) => panic!("the server hung up"),
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => panic!("{error}"),
        }
        if head.is_none() {
            head = read_head(answer);
        }
        if let Some((status, begin, length)) = head
            && answer.len() >= begin + length
        {
            return (status, begin);
        }
    }
}

/// Status, beginning and length of the body, once the head is there.
fn read_head(answer: &[u8]) -> Option<(u16, usize, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    Some((head[9..12].parse().unwrap(), end + 4, length.map_or(0, |text| text.parse().unwrap())))
}
