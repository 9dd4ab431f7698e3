//! A disk without room: the ledger waits, loses nothing, and goes on when there is room again.

use crate::disk::Disk as _;
use crate::disk::simulated::{Random, SimulatedDisk};
use crate::ledger::Ledger;

use super::model::{Model, open, settings};

const ROOMY: u64 = 1 << 40;

/// Leaves so many bytes on a disk; whoever asks is told the truth or not.
fn leave(disk: &SimulatedDisk, bytes: u64, truthful: bool) {
    disk.set_capacity(1 << 50);
    let used = (1 << 50) - disk.free_bytes().expect("it says so");
    disk.set_capacity(used + bytes);
    disk.show_free((!truthful).then_some(ROOMY));
}

fn make_room(disk: &SimulatedDisk) {
    disk.set_capacity(1 << 50);
    disk.show_free(None);
}

/// Commits; whether there was room.
fn commit(ledger: &mut Ledger) -> bool {
    match ledger.commit() {
        Ok(_) => true,
        Err(error) if error.is_for_want_of_space() => false,
        Err(error) => panic!("{error}"),
    }
}

fn live(seed: u64, steps: u64) -> u64 {
    let mut random = Random::new(seed);
    let disk = SimulatedDisk::new(seed);
    let settings = settings(&mut random);
    let (mut ledger, _) = open(&disk, &settings);
    let mut model = Model::default();
    // What a crash may leave: the last commit, or one that was tried since.
    let mut possible = vec![Model::default()];
    let mut refused = 0;
    for _ in 0..steps {
        match random.below(100) {
            0..50 => {
                let batch = model.next_batch(&mut random, &ledger.reader());
                ledger.append(&batch).expect("it is appended");
            }
            50..75 => {
                if commit(&mut ledger) {
                    possible.clear();
                } else {
                    refused += 1;
                }
                possible.push(model.clone());
            }
            75..82 => match ledger.maintain(random.below(10_000)) {
                Err(error) if !error.is_for_want_of_space() => panic!("{error}"),
                _ => {}
            },
            82..90 => leave(&disk, random.below(6_000), random.one_in(3)),
            90..94 => make_room(&disk),
            94..97 => model.check(&ledger.reader()),
            _ => {
                drop(ledger);
                make_room(&disk);
                disk.power_cut();
                (ledger, _) = open(&disk, &settings);
                let found = possible.iter().find(|model| model.is_covered_by(&ledger.reader()));
                model = found.expect("a commit that was tried").clone();
                possible = vec![model.clone()];
                model.check(&ledger.reader());
                ledger.verify().expect("it is whole");
            }
        }
    }
    make_room(&disk);
    assert!(commit(&mut ledger), "there is room again");
    model.check(&ledger.reader());
    ledger.verify().expect("it is whole");
    drop(ledger);
    disk.power_cut();
    let (mut ledger, _) = open(&disk, &settings);
    model.check(&ledger.reader());
    ledger.verify().expect("it is whole");
    refused
}

#[test]
fn what_finds_no_room_waits_and_nothing_is_lost() {
    let mut refused = 0;
    for seed in 0..16 {
        let result = std::panic::catch_unwind(|| live(seed, 120));
        refused += result.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(refused > 50, "the disk was hardly ever full: {refused}");
}

#[test]
fn what_is_too_much_for_the_room_is_not_begun() {
    let disk = SimulatedDisk::new(1);
    let (mut ledger, _) = open(&disk, &settings(&mut Random::new(1)));
    let (mut model, mut random) = (Model::default(), Random::new(2));
    while model == Model::default() {
        ledger.append(&model.next_batch(&mut random, &ledger.reader())).expect("it is appended");
    }
    leave(&disk, 1_000, true);
    let operations = disk.operations();
    let error = ledger.commit().expect_err("there is no room");
    assert!(error.is_for_want_of_space() && error.to_string().contains("1000 are free"), "{error}");
    assert_eq!(disk.operations(), operations, "nothing was written");
    make_room(&disk);
    assert!(commit(&mut ledger));
}
