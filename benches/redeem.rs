//! Redemptions in the process: durable, through ports, actors, journal, ledger and snapshots.
//!
//! Everything is compared in one run, and the disk's own rate of the same minute stands beside it.
//! `cargo bench --bench redeem -- [seconds] [in flight] [engine]`

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd_actors::core::Answer;
use redeemd_actors::port::Port;
use redeemd_domain::campaign::{CampaignView, Revision, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Serial};
use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{Command, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::journal::{DirectoryId, Engine};
use support::node::SEGMENT;
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let number = |place: usize, otherwise: u64| {
        arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (seconds, in_flight) = (number(0, 10), number(1, 16_384));
    let engines: Vec<&str> = match arguments.get(2) {
        Some(engine) => vec![engine.as_str()],
        None => vec!["segment", "sled"],
    };
    println!(
        "{:>8} {:>9} {:>9} {:>12} {:>12} {:>10} {:>9}",
        "engine", "in flight", "seconds", "redeemed/s", "last third/s", "fdatasync/s", "flushes/s"
    );
    for engine in engines {
        let syncs = Syncs::rate(tempfile::tempdir().unwrap().path());
        run(engine, Duration::from_secs(seconds), in_flight as usize, syncs);
    }
}

fn run(engine_name: &str, duration: Duration, in_flight: usize, syncs: f64) {
    let folder = tempfile::tempdir().unwrap();
    let directory = DirectoryId([1; 16]);
    let engine = match engine_name {
        "segment" => SEGMENT,
        "sled" => Engine::sled(folder.path().join("journal/sled")),
        other => panic!("no engine {other}"),
    };
    let layout = ShardLayout::new(8).unwrap();
    actix_web::rt::System::new().block_on(async {
        let disk = Arc::new(RealDisk::new(folder.path()));
        let node = support::node::start(disk, directory, layout, engine, Duration::ZERO).await;
        let port: Port<Shard> = Port::open(&node.shard_ports, &node.shards, in_flight * 2);
        let view = CampaignView {
            number: CampaignNumber(1),
            revision: Revision(1),
            status: redeemd_domain::campaign::Status::Active,
            window: Window::default(),
            uses_per_code: Some(1),
            issued: 1 << 28,
        };
        for place in 0..8 {
            port.perform(place, Command::PutCampaign(view)).await;
        }
        let (next, redeemed, refused) =
            (Rc::new(Cell::new(0u64)), Rc::new(Cell::new(0u64)), Rc::new(Cell::new(0u64)));
        let begun = Instant::now();
        let marks = Rc::new(Cell::new((0u64, Duration::ZERO)));
        let clients: Vec<_> = (0..in_flight)
            .map(|_| {
                let (port, next, redeemed, refused, marks) =
                    (port.clone(), next.clone(), redeemed.clone(), refused.clone(), marks.clone());
                actix_web::rt::spawn(async move {
                    while begun.elapsed() < duration {
                        let serial = Serial::new(next.replace(next.get() + 1)).unwrap();
                        let code = CodeKey::Sealed { campaign: CampaignNumber(1), serial };
                        match support::node::redeem(&port, layout, code, "user-0000001").await {
                            Answer::Outcome(Outcome::Done(_)) => redeemed.set(redeemed.get() + 1),
                            Answer::Rejected(_) => {
                                refused.set(refused.get() + 1);
                                actix_web::rt::time::sleep(Duration::from_millis(1)).await;
                            }
                            other => panic!("{other:?}"),
                        }
                        if marks.get().0 == 0 && begun.elapsed() > duration * 2 / 3 {
                            marks.set((redeemed.get(), begun.elapsed()));
                        }
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        let elapsed = begun.elapsed();
        let (mark_count, mark_time) = marks.get();
        let last = (redeemed.get() - mark_count) as f64 / (elapsed - mark_time).as_secs_f64();
        let flushes: u64 = node.status.flushes.buckets().iter().sum();
        println!(
            "{engine_name:>8} {in_flight:>9} {:>9.1} {:>12.0} {last:>12.0} {syncs:>10.0} {:>9.0}   refused {}",
            elapsed.as_secs_f64(),
            redeemed.get() as f64 / elapsed.as_secs_f64(),
            flushes as f64 / elapsed.as_secs_f64(),
            refused.get(),
        );
        node.finish().await;
    });
}
