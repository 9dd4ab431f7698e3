//! How many redemptions a second the ledger takes, durably and with its index, what that costs in
//! processor time, memory and bytes, and how long opening and looking up take afterwards.
//!
//! `cargo bench --bench ledger_stores`; `REDEEMD_BENCH_FOLDER` chooses the disk and
//! `REDEEMD_BENCH_REDEMPTIONS` how many (2 million unless told). The stores that it was compared
//! with, and their figures, are in `docs/DECISIONS.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::ledger::{Batch, Key, KeyKind, Ledger, Settings};

/// Redemptions for each commit.
const GROUP: u64 = 16_384;
const SHARDS: u64 = 8;
const USERS: u64 = 5_000_000;
const RECORD_BYTES: usize = 110;
const LOOK_UPS: u64 = 20_000;

fn main() {
    let count = std::env::var("REDEEMD_BENCH_REDEMPTIONS");
    let count = count.map_or(2_000_000, |count| count.parse().expect("a number of redemptions"));
    let parent = std::env::var_os("REDEEMD_BENCH_FOLDER").unwrap_or_else(|| ".".into());
    let folder = Path::new(&parent).join(format!("ledger-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    println!("fdatasync: {:.0}/s", sync_rate(&folder));
    let disk = Arc::new(RealDisk::new(&folder));
    let settings = Settings::new([1; 16], [2; 16]);
    let (mut ledger, _) = Ledger::open(disk.clone(), settings.clone()).expect("a ledger");
    write(&mut ledger, count);
    let bytes: u64 = ledger.files().expect("its files").iter().map(|file| file.bytes).sum();
    println!("{:.1} bytes a redemption on disk", bytes as f64 / count as f64);
    drop(ledger);
    let start = Instant::now();
    let (mut ledger, opened) = Ledger::open(disk, settings).expect("the ledger again");
    println!("opened in {:.3} s: {opened:?}", start.elapsed().as_secs_f64());
    look_up(&ledger, count);
    let start = Instant::now();
    let whole = ledger.verify().expect("it is whole");
    println!("verified in {:.1} s: {whole:?}", start.elapsed().as_secs_f64());
    println!("fdatasync: {:.0}/s", sync_rate(&folder));
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

fn write(ledger: &mut Ledger, count: u64) {
    let hasher = ledger.key_hasher();
    let batch = |shard| Batch::new(SequenceId::shard(shard), 1, hasher);
    let mut batches: Vec<Batch> = (0..SHARDS as u16).map(batch).collect();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let (mut rates, mut memory) = (Vec::new(), 0);
    for first in (0..count).step_by(GROUP as usize) {
        let (group, last) = (Instant::now(), count.min(first + GROUP));
        for redemption in first..last {
            let batch = &mut batches[(redemption % SHARDS) as usize];
            let (code, user, request) = keys(redemption);
            let mut record = [0; RECORD_BYTES];
            record[..16].copy_from_slice(&code);
            record[16..24].copy_from_slice(&user);
            record[24..40].copy_from_slice(&request);
            let keys = [
                Key { kind: KeyKind::CODE, bytes: &code },
                Key { kind: KeyKind::USER, bytes: &user },
                Key { kind: KeyKind::REQUEST, bytes: &request },
            ];
            batch.push(redemption / SHARDS + 1, &record, &keys).expect("it is taken");
        }
        for batch in &mut batches {
            ledger.append(batch).expect("it is appended");
            batch.reset(batch.last() + 1);
        }
        ledger.commit().expect("it commits");
        ledger.maintain(GROUP * 3 * 16 * 8).expect("it is maintained");
        rates.push((last - first) as f64 / group.elapsed().as_secs_f64());
        memory = memory.max(resident_bytes());
    }
    let seconds = start.elapsed().as_secs_f64();
    let quarter = rates.split_off(rates.len() * 3 / 4);
    let last = quarter.len() as f64 / quarter.iter().map(|rate| 1.0 / rate).sum::<f64>();
    println!(
        "{count} redemptions, {GROUP} a commit: {:.0}/s, in the last quarter {last:.0}/s; {:.3} µs \
         of processor time each; resident at most {} MiB",
        count as f64 / seconds,
        (cpu_seconds() - cpu) * 1e6 / count as f64,
        memory >> 20,
    );
}

fn look_up(ledger: &Ledger, count: u64) {
    let reader = ledger.reader();
    let position = |redemption| Position {
        sequence: SequenceId::shard((redemption % SHARDS) as u16),
        number: redemption / SHARDS + 1,
    };
    time("by position", |draw| {
        let position = position(draw % count);
        assert!(reader.read(position).expect("it can be read").is_some());
    });
    let find = |kind, bytes: &[u8]| {
        let mut found = reader.find(Key { kind, bytes });
        found.next().map(|found| found.expect("it can be read").record.position)
    };
    time("by code, there", |draw| {
        let redemption = draw % count;
        assert_eq!(find(KeyKind::CODE, &keys(redemption).0), Some(position(redemption)));
    });
    time("by code, not there", |draw| {
        assert_eq!(find(KeyKind::CODE, &keys(count + draw % count).0), None);
    });
    time("by user, the newest", |draw| {
        assert!(find(KeyKind::USER, &keys(draw % count).1).is_some());
    });
}

fn time(name: &str, mut look_up: impl FnMut(u64)) {
    let mut times: Vec<f64> = (0..LOOK_UPS)
        .map(|number| {
            let start = Instant::now();
            look_up(mix(number));
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (median, high) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{name}: {median:.1} µs, 99% within {high:.1} µs");
}

fn keys(redemption: u64) -> ([u8; 16], [u8; 8], [u8; 16]) {
    let (mut code, mut request) = ([0; 16], [0; 16]);
    code[..8].copy_from_slice(&mix(redemption * 4 + 1).to_le_bytes());
    code[8..].copy_from_slice(&mix(redemption * 4 + 2).to_le_bytes());
    request[..8].copy_from_slice(&mix(redemption * 4 + 3).to_le_bytes());
    request[8..].copy_from_slice(&redemption.to_le_bytes());
    (code, (mix(redemption * 4) % USERS).to_le_bytes(), request)
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn sync_rate(folder: &Path) -> f64 {
    let path = folder.join("probe");
    let mut file = std::fs::File::create(&path).expect("a file");
    let start = Instant::now();
    for _ in 0..300 {
        file.write_all(&[1; 4096]).expect("a write");
        file.sync_data().expect("a sync");
    }
    let rate = 300.0 / start.elapsed().as_secs_f64();
    std::fs::remove_file(path).expect("it is removed");
    rate
}

fn cpu_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    resident.unwrap_or(0) * 4096
}
