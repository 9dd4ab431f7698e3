//! How many durable blocks and entries a second the journal's engines take, beside the rate of bare
//! syncs in the same minute, and how fast a journal is read back.
//!
//! `cargo bench --bench journal`; `REDEEMD_BENCH_FOLDER` chooses the disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::journal::{DirectoryId, Engine, Frame, Journal, Options, open};

const ENTRY_BYTES: usize = 100;
const ENTRIES_PER_FRAME: u32 = 64;
const ROUNDS: usize = 6;
const ROUND_TIME: Duration = Duration::from_secs(1);

fn main() {
    let parent = std::env::var_os("REDEEMD_BENCH_FOLDER").unwrap_or_else(|| ".".into());
    for frames in [1, 8, 64] {
        println!(
            "a block of {frames} frames of {ENTRIES_PER_FRAME} entries of {ENTRY_BYTES} bytes:"
        );
        let bytes = frames * (ENTRIES_PER_FRAME as usize * ENTRY_BYTES + 44);
        let mut syncs = Bare::new(Path::new(&parent), bytes);
        let mut segment = Appender::new(Path::new(&parent), Kind::Segment, frames);
        let mut sled = Appender::new(Path::new(&parent), Kind::Sled, frames);
        let mut rates = [const { Vec::new() }; 3];
        for round in 0..ROUNDS {
            // In turn first, second and third, since disks reward whoever comes after a pause.
            for which in [round % 3, (round + 1) % 3, (round + 2) % 3] {
                rates[which].push(match which {
                    0 => rate(|| syncs.write()),
                    1 => rate(|| segment.append()),
                    _ => rate(|| sled.append()),
                });
            }
        }
        for (name, rates) in ["write + fdatasync", "segment", "sled"].iter().zip(&mut rates) {
            rates.sort_by(f64::total_cmp);
            let (low, median, high) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
            let entries = median * frames as f64 * f64::from(ENTRIES_PER_FRAME);
            println!(
                "  {name:<18} {median:>8.0} blocks/s ({low:.0} to {high:.0}), {entries:>10.0} entries/s"
            );
        }
        segment.replay("segment");
        sled.replay("sled");
    }
}

/// How often something is done in a second.
fn rate(mut act: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < ROUND_TIME {
        act();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// Writes as large as the blocks into a file that was filled with zeros, each with a sync.
struct Bare {
    _folder: tempfile::TempDir,
    file: std::fs::File,
    block: Vec<u8>,
    offset: u64,
}

const BARE_BYTES: u64 = 64 << 20;

impl Bare {
    fn new(parent: &Path, bytes: usize) -> Self {
        let folder = tempfile::tempdir_in(parent).unwrap();
        let file = std::fs::File::create_new(folder.path().join("bare")).unwrap();
        file.write_all_at(&vec![0; BARE_BYTES as usize], 0).unwrap();
        file.sync_all().unwrap();
        let block = vec![1; bytes.next_multiple_of(4096)];
        Self { _folder: folder, file, block, offset: 0 }
    }

    fn write(&mut self) {
        self.file.write_all_at(&self.block, self.offset).unwrap();
        self.file.sync_data().unwrap();
        self.offset += self.block.len() as u64;
        if self.offset + self.block.len() as u64 > BARE_BYTES {
            self.offset = 0;
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Segment,
    Sled,
}

struct Appender {
    folder: tempfile::TempDir,
    kind: Kind,
    journal: Option<Box<dyn Journal>>,
    payloads: Vec<Vec<u8>>,
}

impl Appender {
    fn new(parent: &Path, kind: Kind, frames: usize) -> Self {
        let folder = tempfile::tempdir_in(parent).unwrap();
        let payload = |frame: usize| {
            let mut state = frame as u64 + 1;
            let mut byte = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            };
            (0..ENTRIES_PER_FRAME as usize * ENTRY_BYTES).map(|_| byte()).collect()
        };
        let payloads = (0..frames).map(payload).collect();
        let mut appender = Self { folder, kind, journal: None, payloads };
        appender.journal = Some(appender.open().0);
        appender
    }

    fn open(&self) -> (Box<dyn Journal>, u64) {
        let engine = match self.kind {
            Kind::Segment => Engine::segment(),
            Kind::Sled => Engine::sled(self.folder.path().join("journal/sled")),
        };
        let options = Options { reserve_bytes: 0, ..Options::new(DirectoryId([1; 16]), engine) };
        let disk = Arc::new(RealDisk::new(self.folder.path()));
        let (journal, report) = open(disk, &options, &[], &mut |_| Ok(())).unwrap();
        (journal, report.replayed_entries)
    }

    /// Appends one block: the frames take turns over the control sequence and eight shards.
    fn append(&mut self) {
        let journal = self.journal.as_mut().unwrap();
        let mut next: Vec<u64> =
            (0..9).map(|sequence| journal.tail(SequenceId(sequence)).last + 1).collect();
        let mut frames = Vec::with_capacity(self.payloads.len());
        for (index, payload) in self.payloads.iter().enumerate() {
            let sequence = 1 + index % 8;
            let first = next[sequence];
            next[sequence] += u64::from(ENTRIES_PER_FRAME);
            let sequence = SequenceId(sequence as u16);
            frames.push(Frame { sequence, first, count: ENTRIES_PER_FRAME, payload });
        }
        journal.append(&frames).unwrap();
    }

    /// Opens the journal again, its pages still in memory, and says how long that took.
    fn replay(&mut self, name: &str) {
        self.journal = None;
        let start = Instant::now();
        let (_, entries) = self.open();
        let seconds = start.elapsed().as_secs_f64();
        let rate = entries as f64 / seconds;
        println!("  {name:<18} {rate:>10.0} entries/s replayed ({entries} in {seconds:.2} s)");
    }
}
