//! How much memory codes take, and how soon a server that has them is ready again: of whole
//! processes, as the growth of their resident size.
//!
//! `cargo bench --bench memory -- [million sealed codes] [million listed codes]`, by default 100 and
//! 10. `REDEEMD_BENCH_FOLDER` chooses the disk, which must have room for some 12 GB.
//!
//! Three processes take turns on one data directory, so that none inherits what another allocated:
//! the real server makes the campaigns and issues; a process with the node alone redeems half of the
//! sealed codes at random, or brings in the listed ones, without HTTP, since millions of requests
//! would say nothing about memory; then the real server starts again, and is timed.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::cell::Cell;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command as Process, ExitCode};
use std::rc::Rc;
use std::time::{Duration, Instant};

use redeemd::client::{Client, Request};
use redeemd_actors::core::Answer;
use redeemd_actors::directory::place_of;
use redeemd_actors::port::Port;
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest, Serial};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{Command, List, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::data_directory::DataDirectory;
use support::node::SEGMENT;
use support::random::{Random, Shuffled};
use support::resident::resident_bytes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The most codes that one request issues.
const ISSUED_AT_ONCE: u64 = 10_000_000;
/// The number of the campaign that is made first.
const CAMPAIGN: CampaignNumber = CampaignNumber(1);
/// How many commands are on their way at once.
const IN_FLIGHT: usize = 8_192;
/// How many listed codes one command brings, and how many such commands are on their way.
const LISTED_AT_ONCE: usize = 4_096;
const LISTS_IN_FLIGHT: usize = 32;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let text = |place: usize| arguments.get(place).map_or("", String::as_str);
    match text(1) {
        "serve" => return support::serve(&arguments),
        "fill" => {
            fill(Path::new(text(2)), text(3), text(4).parse().unwrap());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let numbers = support::numbers(&arguments);
    let millions =
        |place: usize, otherwise| numbers.get(place).copied().unwrap_or(otherwise) * 1_000_000;
    measure("sealed", millions(0, 100));
    measure("listed", millions(1, 10));
    ExitCode::SUCCESS
}

fn measure(kind: &str, count: u64) {
    if count == 0 {
        return;
    }
    let folder = support::folder();
    println!("{kind}: {count} codes");
    let idle = make_campaign(folder.path(), kind, count);
    let filled = Process::new(std::env::current_exe().unwrap())
        .args(["fill", folder.path().to_str().unwrap(), kind, &count.to_string()])
        .status()
        .unwrap();
    assert!(filled.success());
    let mut server = support::start(folder.path());
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    if let Some(line) = log.lines().rfind(|line| line.contains("brought back")) {
        println!("  {line}");
    }
    let resident = resident_bytes(server.id());
    println!(
        "  the real server again: ready after {:.2} s, {:.1} MB resident, {:.1} MB more than idle: {:.3} bytes a code\n",
        server.ready_after.as_secs_f64(),
        resident as f64 / 1e6,
        (resident as f64 - idle as f64) / 1e6,
        (resident as f64 - idle as f64) / count as f64,
    );
    server.finish().unwrap();
}

/// Makes the campaign with the real server, and issues where the codes are sealed. Gives the
/// resident size of the server before.
fn make_campaign(folder: &Path, kind: &str, count: u64) -> u64 {
    let mut server = support::start(folder);
    let idle = resident_bytes(server.id());
    let mut client = Client::new(server.address)
        .with_key(server.admin_key.clone().unwrap())
        .with_patience(Duration::from_secs(600));
    let path = support::make_campaign(&mut client);
    let mut left = if kind == "sealed" { count } else { 0 };
    while left > 0 {
        let count = left.min(ISSUED_AT_ONCE);
        let body = format!(r#"{{"count":{count}}}"#);
        let request = Request::post(&path, &body).accept("text/csv");
        client.send_to(&request, &mut io::sink()).unwrap();
        left -= count;
    }
    let issued = resident_bytes(server.id());
    println!(
        "  the real server: {:.1} MB resident when idle, {:.1} MB after issuing",
        idle as f64 / 1e6,
        issued as f64 / 1e6
    );
    server.finish().unwrap();
    idle
}

/// Runs the node of the data directory in this process and does what fills it.
fn fill(folder: &Path, kind: &str, count: u64) {
    let directory = DataDirectory::open(&folder.join("data"), || panic!("no directory")).unwrap();
    let identity = directory.identity().clone();
    let layout = ShardLayout::new(identity.shards).unwrap();
    actix_web::rt::System::new().block_on(async {
        let snapshot_interval = Duration::from_secs(900);
        let disk = directory.disk();
        let node =
            support::node::start(disk, identity.id, layout, SEGMENT, snapshot_interval).await;
        let in_flight = if kind == "sealed" { IN_FLIGHT } else { LISTS_IN_FLIGHT };
        let port = Port::open(&node.shard_ports, &node.shards, in_flight * 2);
        let begun = Instant::now();
        let before = resident_bytes(std::process::id());
        let watching = actix_web::rt::spawn(watch(begun));
        let done = if kind == "sealed" {
            redeem_half(&port, layout, count).await
        } else {
            bring_in(&port, layout, count).await
        };
        // What the ledger and the snapshots still do is not memory of codes.
        actix_web::rt::time::sleep(Duration::from_secs(3)).await;
        watching.abort();
        let after = resident_bytes(std::process::id());
        println!(
            "  {done} {} in {:.0} s: {:.1} MB resident before, {:.1} MB after: {:.3} bytes for each of the {count} codes",
            if kind == "sealed" { "redeemed at random" } else { "brought in" },
            begun.elapsed().as_secs_f64(),
            before as f64 / 1e6,
            after as f64 / 1e6,
            (after as f64 - before as f64) / count as f64,
        );
        io::stdout().flush().unwrap();
        node.finish().await;
    });
}

/// Writes down how the resident size grows, so that what codes take can be told from what the
/// stores take once, however many codes there are.
async fn watch(begun: Instant) {
    loop {
        actix_web::rt::time::sleep(Duration::from_secs(10)).await;
        let resident = resident_bytes(std::process::id()) as f64 / 1e6;
        println!("    after {:>4} s {resident:>8.1} MB resident", begun.elapsed().as_secs());
    }
}

/// Redeems half of the codes, each with the same chance, in random order.
async fn redeem_half(port: &Port<Shard>, layout: ShardLayout, count: u64) -> u64 {
    let (order, done) = (Rc::new(Cell::new(Shuffled::new(count))), Rc::new(Cell::new(0)));
    let clients: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (port, order, done) = (port.clone(), order.clone(), done.clone());
            actix_web::rt::spawn(async move {
                while done.get() < count / 2 {
                    let mut shuffled = order.get();
                    let serial = Serial::new(shuffled.next()).unwrap();
                    order.set(shuffled);
                    done.set(done.get() + 1);
                    let code = CodeKey::Sealed { campaign: CAMPAIGN, serial };
                    redeem(&port, layout, code).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    done.get()
}

async fn redeem(port: &Port<Shard>, layout: ShardLayout, code: CodeKey) {
    loop {
        match support::node::redeem(port, layout, code, "user-0000001").await {
            Answer::Outcome(Outcome::Done(_)) => return,
            Answer::Rejected(_) => actix_web::rt::time::sleep(Duration::from_millis(1)).await,
            other => panic!("{other:?}"),
        }
    }
}

/// Brings in listed codes, as an import does.
async fn bring_in(port: &Port<Shard>, layout: ShardLayout, count: u64) -> u64 {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut gathered: Vec<Vec<Digest>> = vec![Vec::new(); layout.shards().into()];
    let mut under_way = std::collections::VecDeque::new();
    for _ in 0..count {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&random.next().to_be_bytes());
        bytes[8..].copy_from_slice(&random.next().to_be_bytes());
        let digest = Digest::from_bytes(bytes);
        let place = place_of(layout, digest.slot());
        gathered[place].push(digest);
        if gathered[place].len() == LISTED_AT_ONCE {
            under_way.push_back(list(port, place, std::mem::take(&mut gathered[place])));
        }
        if under_way.len() == LISTS_IN_FLIGHT {
            under_way.pop_front().unwrap().await.unwrap();
        }
    }
    for (place, digests) in gathered.into_iter().enumerate().filter(|(_, rest)| !rest.is_empty()) {
        under_way.push_back(list(port, place, digests));
    }
    for listed in under_way {
        listed.await.unwrap();
    }
    count
}

fn list(
    port: &Port<Shard>,
    place: usize,
    digests: Vec<Digest>,
) -> actix_web::rt::task::JoinHandle<()> {
    let port = port.clone();
    actix_web::rt::spawn(async move {
        loop {
            let list =
                List { campaign: CAMPAIGN, digests: digests.clone(), api_key: ApiKeyNumber(1) };
            match port.perform(place, Command::List(list)).await {
                Answer::Outcome(Outcome::Done(_)) => return,
                Answer::Rejected(_) => actix_web::rt::time::sleep(Duration::from_millis(1)).await,
                other => panic!("{other:?}"),
            }
        }
    })
}
