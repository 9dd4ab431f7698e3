//! The power fails at the writes and syncs of a recorded run of the sled engine.
//!
//! sled reaches the operating system by itself, so the run is recorded as a trace of its system
//! calls (with Debian's `strace`), which is then played onto the simulated disk: only what was
//! synced with `fsync` or `fdatasync` is safe there, `sync_file_range` counts for nothing. After
//! some of the calls the power is cut, what is left is written to a real folder, and opened.
//!
//! `REDEEMD_SLED_CUTS` sets how many cuts are made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::options::Engine;
use super::trace::{Call, read_trace};
use super::*;
use crate::disk::RealDisk;
use crate::disk::simulated::{Random, SimulatedDisk};

const FOLDER_VARIABLE: &str = "REDEEMD_RECORD_FOLDER";
const APPENDS: u64 = 120;

/// The frames of the append with this number, the same in the recorder and in the checks.
fn frames_of(number: u64) -> Vec<Owned> {
    let mut random = Random::new(number);
    let sequences = 1 + random.below(3);
    let largest = if number.is_multiple_of(10) { 60_000 } else { 9_000 };
    (0..sequences)
        .map(|sequence| {
            let mut payload = vec![0; random.below(largest) as usize];
            random.fill(&mut payload);
            let earlier = (0..number).filter(|&other| Random::new(other).below(3) >= sequence);
            let first = 1 + 2 * earlier.count() as u64;
            Owned { sequence: SequenceId(sequence as u16), first, count: 2, payload }
        })
        .collect()
}

fn open_at(folder: &Path) -> Result<Reopened, Error> {
    let options = Options {
        directory: DIRECTORY,
        engine: Engine::Sled { folder: folder.join("journal/sled"), cache_bytes: 8 << 20 },
        minimum_free_bytes: 0,
        reserve_bytes: 0,
    };
    let mut frames = Vec::new();
    let (journal, report) = open(Arc::new(RealDisk::new(folder)), &options, &[], &mut |frame| {
        frames.push(Owned::of(frame));
        Ok(())
    })?;
    Ok(Reopened { journal, report, frames })
}

/// The run that is recorded, in a process of its own: appends, releases, closes and opens, and
/// writes down each time what must be there from then on.
#[test]
#[ignore = "the other test runs this one under strace"]
fn record() {
    // Whoever runs all that is ignored runs this one alone, too, where there is nothing to record.
    let Ok(folder) = std::env::var(FOLDER_VARIABLE).map(PathBuf::from) else { return };
    let mark = |text: String| fs::write(folder.join("mark"), text).unwrap();
    let mut opened = open_at(&folder).unwrap();
    mark("appended 0".to_owned());
    for number in 0..APPENDS {
        append(&mut *opened.journal, &frames_of(number)).unwrap();
        mark(format!("appended {}", number + 1));
        if number % 25 == 24 {
            let up_to = opened.journal.tail(SequenceId(2)).last / 2;
            mark(format!("released {up_to}"));
            let released = [0, 1, 2].map(|sequence| (SequenceId(sequence), up_to));
            opened.journal.release(&released).unwrap();
        }
        if number % 40 == 39 {
            drop(opened);
            opened = open_at(&folder).unwrap();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_at_any_write_or_sync() {
    let calls = record_calls();
    let cuts = std::env::var("REDEEMD_SLED_CUTS").ok().and_then(|cuts| cuts.parse().ok());
    let cuts = cuts.unwrap_or(150);
    let seed = std::env::var("REDEEMD_SLED_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(1);
    let changes = calls.iter().filter(|call| !matches!(call, Call::Mark(_))).count() as u64;
    let mut random = Random::new(seed);
    let mut at: BTreeMap<u64, u64> = BTreeMap::new();
    for _ in 0..cuts {
        *at.entry(random.below(changes)).or_default() += 1;
    }

    let disk = SimulatedDisk::new(seed);
    let mut known = Known::default();
    let mut change = 0;
    let mut failures = Vec::new();
    for call in &calls {
        match call {
            Call::Mark(text) => known.note(text),
            call => {
                play(call, &disk);
                let here = at.get(&change).copied().unwrap_or(0);
                for _ in 0..if known.created { here } else { 0 } {
                    // The disk's generator moves on, so that each cut of one point is another.
                    disk.draw();
                    if let Err(reason) = check_after_cut(&disk.fork(), &known) {
                        failures.push(format!("call {change} {}: {reason}", call.name()));
                    }
                }
                change += 1;
            }
        }
    }
    println!("{cuts} cuts in {changes} calls");
    let few = failures.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "seed {seed}: {} of {cuts} cuts:\n{few}", failures.len());
}

/// What the recorder had written down so far.
#[derive(Clone, Debug, Default)]
struct Known {
    created: bool,
    appended: u64,
    released: u64,
}

impl Known {
    fn note(&mut self, text: &str) {
        let (what, number) = text.split_once(' ').unwrap();
        let number = number.parse().unwrap();
        match what {
            "appended" => (self.created, self.appended) = (true, number),
            _ => self.released = number,
        }
    }
}

fn record_calls() -> Vec<Call> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let trace = folder.path().join("trace");
    let name = format!("{}::record", module_path!().split_once("::").unwrap().1);
    let status = Command::new("strace")
        .args(["-f", "-y", "-xx", "-s", "1000000", "-o"])
        .arg(&trace)
        .args(["-e", "trace=openat,write,pwrite64,fsync,fdatasync,rename,unlink,ftruncate,mkdir"])
        .arg(std::env::current_exe().unwrap())
        .args([&name, "--exact", "--ignored", "--test-threads=1"])
        .env(FOLDER_VARIABLE, &data)
        .output()
        .expect("strace should be installed (apt-get install strace)");
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
    let calls = read_trace(&fs::read_to_string(&trace).unwrap(), data.to_str().unwrap());

    // The trace is complete: played without a cut, it gives what the run left behind.
    let disk = SimulatedDisk::new(0);
    calls.iter().for_each(|call| play(call, &disk));
    for (path, content) in disk.contents() {
        assert!(fs::read(data.join(&path)).unwrap() == content, "{path} differs");
    }
    calls
}

fn play(call: &Call, disk: &SimulatedDisk) {
    let open = |path: &str| disk.open(path).unwrap();
    match call {
        Call::Open { path, truncates } => {
            let file = disk.open(path).or_else(|_| disk.create(path)).unwrap();
            if *truncates {
                file.set_length(0).unwrap();
            }
        }
        Call::Write { path, offset, bytes } => open(path).write_at(bytes, *offset).unwrap(),
        Call::SetLength { path, length } => open(path).set_length(*length).unwrap(),
        Call::Sync(path) => match disk.open(path) {
            Ok(file) => file.sync_data().unwrap(),
            Err(_) => disk.sync_folder(path).unwrap(),
        },
        Call::Rename { from, to } => disk.rename(from, to).unwrap(),
        Call::Remove(path) => disk.remove(path).unwrap(),
        Call::Folder(path) => disk.create_folder(path).unwrap(),
        Call::Mark(_) => {}
    }
}

/// Cuts the power, opens what is left, and goes on with it.
fn check_after_cut(disk: &SimulatedDisk, known: &Known) -> Result<(), String> {
    disk.power_cut();
    // In memory where that is possible: what is left of the power cut needs no real disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    fs::create_dir_all(folder.path().join("journal/sled/blobs")).unwrap();
    for (path, content) in disk.contents() {
        fs::write(folder.path().join(path), content).unwrap();
    }
    let opened = open_at(folder.path()).map_err(|error| error.to_string())?;
    check_frames(&opened.frames, known)?;
    let Reopened { mut journal, mut frames, .. } = opened;
    frames.extend(fill(&mut *journal, 2, 5_000));
    drop(journal);
    let again = open_at(folder.path()).map_err(|error| format!("the second time: {error}"))?;
    if again.frames == frames { Ok(()) } else { Err("it changed at the second open".to_owned()) }
}

fn check_frames(found: &[Owned], known: &Known) -> Result<(), String> {
    let expected: Vec<Owned> = (0..known.appended).flat_map(frames_of).collect();
    let in_flight = frames_of(known.appended);
    let without = |count: usize| found.len().checked_sub(count).and_then(|at| found.get(..at));
    let found = without(in_flight.len()).filter(|_| found.ends_with(&in_flight)).unwrap_or(found);
    if !expected.ends_with(found) {
        return Err(format!("{} of {} frames, not a suffix", found.len(), expected.len()));
    }
    let missing = &expected[..expected.len() - found.len()];
    match missing.iter().find(|frame| frame.last() > known.released) {
        Some(frame) => Err(format!("{}:{} is lost", frame.sequence, frame.first)),
        None => Ok(()),
    }
}
