//! Durable redemptions over HTTP, one code a request, beside the same server's route that
//! authenticates, parses the same body and answers without a shard. What the difference costs is
//! what actors, journal, ledger and snapshots cost.
//!
//! `cargo bench --bench http -- [seconds a round] [rounds] [connections …]`; server and load
//! generator share the machine. `REDEEMD_BENCH_FOLDER` chooses the disk, `REDEEMD_BENCH_SETTINGS`
//! holds settings of the server, such as `shards.count=1 http.workers=1`.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use clap::Parser as _;
use redeemd::application::{self, Options};
use redeemd::cli::Arguments;
use redeemd::client::{Client, Launch, Request, ServerProcess};
use redeemd::http::Extras;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many codes are issued: enough for a minute at any rate that two cores reach.
const CODES: u64 = 8_000_000;
/// A line of the issued codes: the code and its end.
const LINE: usize = 31;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|argument| argument == "serve") {
        return serve(&arguments);
    }
    let numbers: Vec<u64> = arguments.iter().skip(1).filter_map(|text| text.parse().ok()).collect();
    let seconds = numbers.first().copied().unwrap_or(10);
    let rounds = numbers.get(1).copied().unwrap_or(5);
    let connections: Vec<u64> =
        if numbers.len() > 2 { numbers[2..].to_vec() } else { vec![64, 256] };
    for connections in connections {
        compare(Duration::from_secs(seconds), rounds, connections as usize);
    }
    ExitCode::SUCCESS
}

/// This program as the server: the real one, with the one route more.
fn serve(arguments: &[String]) -> ExitCode {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let settings = Arguments::parse_from(arguments).settings().unwrap();
    let options = Options { bootstrap_admin_key: None, secret: None, extras: Extras::Baseline };
    application::serve(&settings, &options).unwrap();
    ExitCode::SUCCESS
}

fn compare(duration: Duration, rounds: u64, connections: usize) {
    let parent = std::env::var_os("REDEEMD_BENCH_FOLDER").unwrap_or_else(|| ".".into());
    let folder = tempfile::tempdir_in(parent).unwrap();
    let settings = std::env::var("REDEEMD_BENCH_SETTINGS").unwrap_or_default();
    let server = Launch {
        program: std::env::current_exe().unwrap(),
        wrapper: Vec::new(),
        data_dir: folder.path().join("data"),
        log: folder.path().join("log"),
        settings: settings.split_whitespace().map(str::to_owned).collect(),
        environment: Vec::new(),
        patience: Duration::from_secs(30),
    }
    .start()
    .unwrap();
    let key = server.admin_key.clone().unwrap();
    let codes: Rc<[u8]> = issue(&server, &key).into();
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
            let syncs = fdatasync_rate(folder.path());
            // The last round lasts a minute, ledger and snapshots included.
            let duration = if round == rounds { Duration::from_secs(60) } else { duration };
            let load = Load { address: server.address, path, key: key.clone(), connections };
            let busy = processor_time(server.id());
            let taken = load.run(duration, &codes, &next);
            let busy = processor_time(server.id()) - busy;
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

fn issue(server: &ServerProcess, key: &str) -> Vec<u8> {
    let mut client =
        Client::new(server.address).with_key(key).with_patience(Duration::from_secs(60));
    let campaign =
        Request::post("/api/v1/campaigns", r#"{"name":"bench","codes":{"kind":"sealed"}}"#);
    let made = client.send(&campaign).unwrap().json().unwrap();
    let path = format!("/api/v1/campaigns/{}/codes", made["id"].as_str().unwrap());
    let body = format!(r#"{{"count":{CODES}}}"#);
    let mut codes = Vec::new();
    let request = Request::post(&path, &body).accept("text/csv");
    client.send_to(&request, &mut codes).unwrap();
    codes.split_off(codes.iter().position(|&byte| byte == b'\n').unwrap() + 1)
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
            send(&stream, &request).await;
            let status = receive(&stream, &mut answer).await;
            let mut taken = taken.borrow_mut();
            taken.answers += 1;
            taken.failed += u64::from(status != 201);
            taken.microseconds.push(asked.elapsed().as_micros() as u32);
        }
    }
}

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

/// Receives one answer and gives its status.
async fn receive(stream: &TcpStream, answer: &mut Vec<u8>) -> u16 {
    answer.clear();
    let mut buffer = [0; 4096];
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut buffer) {
            Ok(0) => panic!("the server hung up"),
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => panic!("{error}"),
        }
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if answer.len() >= end + 4 + length {
            return head[9..12].parse().unwrap();
        }
    }
}

/// How much processor time a process has taken.
fn processor_time(id: u32) -> Duration {
    let statistics = std::fs::read_to_string(PathBuf::from(format!("/proc/{id}/stat"))).unwrap();
    let fields: Vec<&str> = statistics.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// How often this disk makes 4 KiB durable, in a second, just now.
fn fdatasync_rate(folder: &Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("probe")).unwrap();
    file.write_all(&vec![0; 4 << 20]).unwrap();
    file.sync_all().unwrap();
    let (begun, mut count) = (Instant::now(), 0u32);
    while begun.elapsed() < Duration::from_millis(500) {
        file.write_all_at(&[1; 4096], u64::from(count % 1024) * 4096).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}
