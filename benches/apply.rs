//! How fast a shard applies, replays, encodes and is cloned, on one core: `cargo bench --bench
//! apply`.
//!
//! Nothing here touches a disk or a network. Times are processor times of this thread, each rate is
//! the median of several rounds with the slowest and fastest beside it: machines are noisy.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its figures, and stops when its own set-up is wrong"
)]

use std::hint::black_box;
use std::process::Command as Process;
use std::time::Duration;

use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest, Serial};
use redeemd_domain::entry::{self, Entry};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Decode, Machine, Outcome};
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};
use redeemd_domain::shard::{Command, Decoder, List, MAX_DIGESTS, Redeem, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;
use rustix::time::{ClockId, clock_gettime};

const LAYOUT: ShardLayout = ShardLayout::new(8).expect("eight is a power of two");
const CAMPAIGN: CampaignNumber = CampaignNumber(1024);

/// Serials of the campaign in the whole server; an eighth of them is the shard's.
const ISSUED: u64 = 100_000_000;

/// Redemptions in a round.
const REDEMPTIONS: u64 = 500_000;

const ROUNDS: usize = 7;

/// How far the ledger's durable coverage is behind, in entries.
const BEHIND: u64 = 20_000;

const ENTRIES_A_FRAME: usize = 256;

fn main() {
    let measured = std::env::args().nth(1);
    match measured.as_deref() {
        Some("sealed") => half_redeemed(),
        Some("listed") => listed(),
        _ => {
            rates();
            remembering();
            // Memory is measured in processes of their own, which have nothing to use again.
            let this = std::env::current_exe().expect("the benchmark's own path is known");
            for part in ["sealed", "listed"] {
                Process::new(&this).arg(part).status().expect("the benchmark starts once more");
            }
        }
    }
}

fn rates() {
    for keyed in [false, true] {
        let with = if keyed { "with" } else { "without" };
        let entries = redemptions(0, REDEMPTIONS, keyed);
        measure(&format!("apply, {with} request keys"), || apply_all(entries.clone()));
        let frames = frames(&entries);
        let bytes: usize = frames.iter().map(|(_, _, payload)| payload.len()).sum();
        println!("{:>55}: {:.1} bytes", "an entry", bytes as f64 / entries.len() as f64);
        measure(&format!("decode and apply, {with} request keys"), || replay(&frames));
    }
}

/// Prepares a round with its argument's clone, times the returned closure, and prints the rate.
fn measure(what: &str, mut round: impl FnMut() -> Duration) {
    let mut rates: Vec<f64> =
        (0..=ROUNDS).map(|_| REDEMPTIONS as f64 / round().as_secs_f64() / 1e6).skip(1).collect();
    rates.sort_by(f64::total_cmp);
    let [slowest, .., fastest] = rates[..] else { return };
    println!("{what:>55}: {:.2} million/s [{slowest:.2} to {fastest:.2}]", rates[ROUNDS / 2]);
}

fn apply_all(entries: Vec<Entry<Command>>) -> Duration {
    let mut shard = new_shard();
    let started = processor_time();
    for entry in entries {
        let outcome = shard.apply(entry);
        assert!(matches!(outcome, Outcome::Done(_)), "every redemption is granted");
        black_box(outcome);
    }
    processor_time() - started
}

fn replay(frames: &[(u64, u32, Vec<u8>)]) -> Duration {
    let mut shard = new_shard();
    let started = processor_time();
    for (first, count, payload) in frames {
        entry::decode(payload, *first, *count, |entry| {
            black_box(shard.apply(entry));
        })
        .expect("what was encoded decodes");
    }
    assert_eq!(shard.last(), REDEMPTIONS + 1, "every entry was replayed");
    processor_time() - started
}

fn frames(entries: &[Entry<Command>]) -> Vec<(u64, u32, Vec<u8>)> {
    let frame = |entries: &[Entry<Command>]| {
        let mut payload = Vec::new();
        entry::begin(&mut payload);
        for entry in entries {
            entry::encode(entry, &mut payload).expect("entries are plain data");
        }
        (entries[0].number, entries.len() as u32, payload)
    };
    entries.chunks(ENTRIES_A_FRAME).map(frame).collect()
}

/// A shard that knows the campaign and has codes of it, at entry 1.
fn new_shard() -> Shard {
    let mut shard = Shard::new(LAYOUT, 0);
    let view = CampaignView {
        number: CAMPAIGN,
        revision: Revision(1),
        status: Status::Active,
        window: Window::default(),
        uses_per_code: Some(1),
        issued: ISSUED,
    };
    apply(&mut shard, Command::PutCampaign(view));
    shard
}

fn apply(shard: &mut Shard, command: Command) {
    let number = shard.last() + 1;
    black_box(shard.apply(Entry { number, at: shard.time(), covered: 0, command }));
}

/// A permutation of the shard's codes, so that they are redeemed at random.
fn code(place: u64) -> CodeKey {
    let mine = ISSUED / 8;
    // The multiplier has no factor in common with 12,500,000 = 2^5 · 5^8.
    let place = place.wrapping_mul(7_777_777) % mine;
    let serial = (place / 128) * 1024 + place % 128;
    let serial = Serial::new(serial).expect("the campaign has so many serials");
    CodeKey::Sealed { campaign: CAMPAIGN, serial }
}

fn redemptions(first: u64, count: u64, keyed: bool) -> Vec<Entry<Command>> {
    let entry = |place: u64| {
        let number = place - first + 2;
        let request = keyed.then(|| Request {
            digest: RequestDigest(mixed(place)),
            fingerprint: Fingerprint([7; 8]),
            searched: 0,
        });
        let redeem = Redeem {
            code: code(place),
            user: format!("user-{place:07}").into(),
            metadata: None,
            api_key: ApiKeyNumber(1),
            request,
        };
        let at = Timestamp(1_800_000_000_000 + place / 500);
        let covered = number.saturating_sub(BEHIND);
        Entry { number, at, covered, command: Command::Redeem(redeem) }
    };
    (first..first + count).map(entry).collect()
}

/// Sixteen bytes that look random (SplitMix64, Steele and others 2014).
fn mixed(number: u64) -> [u8; 16] {
    let mix = |mut value: u64| {
        value = value.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mix(number + 1).to_be_bytes());
    bytes[8..].copy_from_slice(&mix(!number).to_be_bytes());
    bytes
}

fn half_redeemed() {
    let before = resident_bytes();
    let mut shard = new_shard();
    for start in (0..ISSUED / 16).step_by(1 << 10) {
        for entry in redemptions(start, (1 << 10).min(ISSUED / 16 - start), false) {
            apply(&mut shard, entry.command);
        }
    }
    let known = shard.campaign(CAMPAIGN).map(|campaign| campaign.counts.redeemed);
    assert_eq!(known, Some(ISSUED / 16), "half of the codes are redeemed");
    println!("a shard of 12.5 million issued sealed codes, half redeemed:");
    println!("{:>55}: {:.3} bytes", "a code", grown(before) / (ISSUED / 8) as f64);
    clone_and_encode(&shard);
}

fn remembering() {
    for count in [BEHIND, 200_000, 1_000_000] {
        let mut shard = new_shard();
        for entry in redemptions(0, count, true) {
            apply(&mut shard, entry.command);
        }
        println!("a shard that remembers {count} keyed requests:");
        clone_and_encode(&shard);
    }
}

fn listed() {
    const CODES: u64 = 1_250_000;
    let before = resident_bytes();
    let mut shard = new_shard();
    let started = processor_time();
    let digest = |number: u64| {
        let mut bytes = mixed(number);
        // The first three bits choose the shard.
        bytes[0] >>= 3;
        Digest::from_bytes(bytes)
    };
    for start in (0..CODES).step_by(MAX_DIGESTS) {
        let digests = (start..CODES.min(start + MAX_DIGESTS as u64)).map(digest).collect();
        let list = List { campaign: CAMPAIGN, digests, api_key: ApiKeyNumber(1) };
        apply(&mut shard, Command::List(list));
    }
    println!("a shard of 1.25 million listed codes:");
    let rate = CODES as f64 / (processor_time() - started).as_secs_f64() / 1e6;
    println!("{:>55}: {rate:.2} million/s", "listed");
    println!("{:>55}: {:.1} bytes", "a code", grown(before) / CODES as f64);
    clone_and_encode(&shard);
}

fn clone_and_encode(shard: &Shard) {
    let mut times: Vec<_> = (0..15)
        .map(|_| {
            let started = processor_time();
            let clone = shard.clone();
            let taken = processor_time() - started;
            drop(clone);
            taken
        })
        .collect();
    times.sort();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let (middle, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    let (middle, slowest) = (milliseconds(middle), milliseconds(slowest));
    println!("{:>55}: {middle:.3} ms, slowest {slowest:.3} ms", "clone");
    let mut sections = Vec::new();
    let started = processor_time();
    let encoded: Result<(), ()> = shard.encode(|section| {
        sections.push(section.to_vec());
        Ok(())
    });
    encoded.expect("nothing is refused");
    let taken = milliseconds(processor_time() - started);
    let megabytes = sections.iter().map(Vec::len).sum::<usize>() as f64 / 1e6;
    let largest = sections.iter().map(Vec::len).max().unwrap_or(0);
    println!("{:>55}: {taken:.1} ms, {megabytes:.2} MB, largest section {largest}", "encode");
    let started = processor_time();
    let mut decoder = Decoder::new(LAYOUT, 0);
    sections.iter().try_for_each(|section| decoder.section(section)).expect("it decodes");
    black_box(decoder.finish().expect("it is complete"));
    println!("{:>55}: {:.1} ms", "decode", milliseconds(processor_time() - started));
}

/// The processor time that this thread has used so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The process's resident size; 0 where the system does not tell.
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0
}

fn grown(before: f64) -> f64 {
    resident_bytes() - before
}
