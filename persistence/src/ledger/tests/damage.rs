//! Flipped bits and missing files: damage is found, named and, where the file is derived, repaired;
//! it never gives a wrong answer.

use std::sync::Arc;

use crate::disk::Disk;
use crate::disk::simulated::{Random, SimulatedDisk};
use crate::ledger::{Error, Ledger, Settings};

use super::model::{Model, open, settings};

/// A ledger of several files and runs, all of it committed, and what it held before its last
/// commit.
struct Filled {
    disk: SimulatedDisk,
    settings: Settings,
    model: Model,
    before_last: Model,
}

fn filled(seed: u64) -> Filled {
    let settings = settings(&mut Random::new(seed));
    filled_with(seed, Settings { file_bytes: 12_000, ..settings })
}

fn filled_with(seed: u64, settings: Settings) -> Filled {
    let mut random = Random::new(seed);
    let disk = SimulatedDisk::new(seed);
    let (mut ledger, _) = open(&disk, &settings);
    let (mut model, mut before_last) = (Model::default(), Model::default());
    for _ in 0..40 {
        let before = model.clone();
        let batch = model.next_batch(&mut random, &ledger.reader());
        if model != before {
            before_last = before;
        }
        ledger.append(&batch).expect("it is appended");
        ledger.commit().expect("it commits");
        ledger.maintain(4_000).expect("it is maintained");
    }
    drop(ledger);
    Filled { disk, settings, model, before_last }
}

fn paths(disk: &SimulatedDisk, suffix: &str) -> Vec<String> {
    disk.contents().into_keys().filter(|path| path.ends_with(suffix)).collect()
}

#[test]
fn a_flipped_bit_in_the_log_is_found() {
    let Filled { disk, settings, before_last, .. } = filled(3);
    let files = paths(&disk, ".records");
    assert!(files.len() >= 3, "several files");
    let mut random = Random::new(4);
    for round in 0..150 {
        let path = &files[random.below(files.len() as u64) as usize];
        let bits = disk.contents()[path].len() as u64 * 8;
        let bit = random.below(bits);
        let damaged = disk.fork();
        damaged.flip_bit(path, bit).expect("the file is there");
        match Ledger::open(Arc::new(damaged), settings.clone()) {
            Err(Error::DamagedLog { path: named, .. }) => assert_eq!(&named, path),
            Err(Error::LogEndLost { .. }) => assert_eq!(path, files.last().expect("a file")),
            Err(other) => panic!("round {round}, {path} bit {bit}: {other}"),
            Ok((mut ledger, opened)) if opened.torn_bytes > 0 => {
                // The last commit of all looks as if it had been interrupted: its loss shows.
                assert_eq!(path, files.last().expect("a file"), "round {round}");
                assert!(before_last.is_covered_by(&ledger.reader()), "round {round}: more is lost");
                ledger.verify().expect("what is left is whole");
            }
            Ok((mut ledger, _)) => {
                let error = ledger.verify().expect_err("the flip is found");
                assert!(matches!(error, Error::DamagedLog { .. }), "round {round}: {error}");
            }
        }
    }
}

#[test]
fn damage_before_the_last_commit_is_no_torn_end() {
    // One file and no run, so that nothing but the blocks themselves can tell.
    let plain = Settings::new([7; 16], [9; 16]);
    let Filled { disk, settings, before_last, .. } = filled_with(10, plain);
    let path = paths(&disk, ".records").pop().expect("a file");
    let bits = disk.contents()[&path].len() as u64 * 8;
    let mut random = Random::new(11);
    let mut refused = 0;
    for round in 0..150 {
        let damaged = disk.fork();
        damaged.flip_bit(&path, random.below(bits)).expect("the file is there");
        match Ledger::open(Arc::new(damaged), settings.clone()) {
            Err(Error::DamagedLog { .. }) => refused += 1,
            Err(other) => panic!("round {round}: {other}"),
            Ok((ledger, opened)) => {
                assert!(opened.torn_bytes > 0, "round {round}: not found");
                assert!(before_last.is_covered_by(&ledger.reader()), "round {round}: more is lost");
            }
        }
    }
    assert!(refused > 120, "{refused} refused");
}

#[test]
fn a_flipped_bit_in_a_derived_file_is_repaired() {
    let Filled { disk, settings, model, .. } = filled(5);
    let (mut repaired, mut at_open) = (0, 0);
    let mut files = paths(&disk, ".run");
    files.extend(paths(&disk, ".directory"));
    let mut random = Random::new(6);
    for round in 0..40 {
        let path = &files[random.below(files.len() as u64) as usize];
        let bit = random.below(disk.contents()[path].len() as u64 * 8);
        let damaged = disk.fork();
        damaged.flip_bit(path, bit).expect("the file is there");
        let (mut ledger, opened) = open(&damaged, &settings);
        at_open += opened.damaged_runs;
        // A filter's cached copy or a page not needed may hide it; what is answered is right.
        for _ in 0..3 {
            let reader = ledger.reader();
            let check = || model.check(&reader);
            let right = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
            let maintenance = ledger.maintain(u64::MAX).expect("it is maintained");
            repaired += maintenance.repaired;
            if right.is_ok() && maintenance.repaired == 0 {
                break;
            }
            assert!(maintenance.repaired > 0, "round {round}, {path} bit {bit}: wrong, unreported");
        }
        let _ = ledger.verify();
        ledger.maintain(u64::MAX).expect("it is maintained");
        model.check(&ledger.reader());
        ledger.verify().unwrap_or_else(|error| panic!("round {round}, {path} bit {bit}: {error}"));
    }
    assert!(repaired > 5 && at_open > 2, "{repaired} repaired, {at_open} at open");
}

#[test]
fn missing_derived_files_are_made_anew() {
    let Filled { disk, settings, model, .. } = filled(7);
    for path in paths(&disk, ".run").iter().chain(&paths(&disk, ".directory")) {
        let damaged = disk.fork();
        damaged.remove(path).expect("the file is there");
        let (mut ledger, _) = open(&damaged, &settings);
        model.check(&ledger.reader());
        ledger.verify().unwrap_or_else(|error| panic!("without {path}: {error}"));
    }
}

#[test]
fn a_missing_log_file_is_refused() {
    let Filled { disk, settings, .. } = filled(8);
    for path in paths(&disk, ".records") {
        let damaged = disk.fork();
        damaged.remove(&path).expect("the file is there");
        let error = Ledger::open(Arc::new(damaged), settings.clone());
        let error = error.err().unwrap_or_else(|| panic!("{path} is missing"));
        let is_named = matches!(&error, Error::DamagedLog { path: named, .. } if *named == path);
        assert!(is_named || matches!(error, Error::LogEndLost { .. }), "{path}: {error}");
    }
}

#[test]
fn another_directory_is_refused() {
    let Filled { disk, settings, .. } = filled(9);
    let other = Settings { directory_id: [8; 16], ..settings };
    let error = Ledger::open(Arc::new(disk), other).expect_err("it is refused");
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
}
