//! A log that is looked at without being opened, and one that is cut off.

use std::collections::BTreeMap;

use redeemd_domain::sequence::{Position, SequenceId};

use crate::disk::Disk;
use crate::disk::simulated::{Random, SimulatedDisk};
use crate::ledger::{Settings, assess_cut, cut, inspect};

use super::model::{Model, SEQUENCES, open, settings};

const DIRECTORY: [u8; 16] = [7; 16];

/// A ledger of several files, and what it held.
fn filled(seed: u64) -> (SimulatedDisk, Settings, BTreeMap<Position, Vec<u8>>) {
    let mut random = Random::new(seed);
    let settings = Settings { file_bytes: 9_000, ..settings(&mut random) };
    let disk = SimulatedDisk::new(seed);
    let (mut ledger, _) = open(&disk, &settings);
    let mut model = Model::default();
    for _ in 0..40 {
        let batch = model.next_batch(&mut random, &ledger.reader());
        ledger.append(&batch).expect("it is appended");
        if random.one_in(2) {
            ledger.commit().expect("it commits");
        }
    }
    ledger.commit().expect("it commits");
    let mut records = BTreeMap::new();
    for sequence in (0..SEQUENCES).map(SequenceId) {
        let page = ledger.reader().scan(sequence, 0, usize::MAX);
        for record in page.expect("it can be scanned").records {
            records.insert(record.position, record.bytes);
        }
    }
    (disk, settings, records)
}

#[test]
fn looking_at_a_log_sees_everything_and_changes_nothing() {
    let (disk, _, records) = filled(1);
    let (before, operations) = (disk.contents(), disk.operations());
    let mut seen = BTreeMap::new();
    let found = inspect(&disk, DIRECTORY, &mut |position, bytes| {
        seen.insert(position, bytes.to_vec());
    })
    .unwrap();
    assert!(found.files > 2 && found.records == seen.len() as u64 && found.torn_bytes == 0);
    assert!(records.iter().all(|(position, bytes)| seen.get(position) == Some(bytes)));
    assert!(disk.contents() == before && disk.operations() == operations);
    assert_eq!(inspect(&SimulatedDisk::new(1), DIRECTORY, &mut |_, _| {}).unwrap().files, 0);

    let path = "ledger/log/0000000002.records";
    let file = disk.open(path).unwrap();
    file.write_at(&[0xFF], 300).unwrap();
    let error = inspect(&disk, DIRECTORY, &mut |_, _| {}).unwrap_err().to_string();
    assert!(error.contains(path), "{error}");
}

#[test]
fn a_log_that_is_cut_has_nothing_beyond_and_goes_on() {
    for seed in 0..30 {
        let (disk, settings, records) = filled(seed);
        let mut random = Random::new(seed + 1_000);
        let covered = inspect(&disk, DIRECTORY, &mut |_, _| {}).unwrap().covered;
        let ends: BTreeMap<SequenceId, u64> =
            covered.iter().map(|&(sequence, last)| (sequence, random.below(last + 1))).collect();
        let end = |sequence| ends.get(&sequence).copied().unwrap_or(0);
        let mut lost = Vec::new();
        let assessed = assess_cut(&disk, DIRECTORY, &end, &mut |position, _| lost.push(position));
        let planned = assessed.unwrap().expect("something is beyond");
        lost.sort();
        let beyond = records.keys().filter(|position| position.number > end(position.sequence));
        assert!(lost.iter().eq(beyond), "seed {seed}");
        assert_eq!(planned.lost_records, lost.len() as u64);

        let kept = cut(&disk, &planned).unwrap();
        assert!(kept.iter().all(|name| disk.open(name).is_ok()), "seed {seed}: {kept:?}");
        assert_eq!(assess_cut(&disk, DIRECTORY, &end, &mut |_, _| {}).unwrap(), None);
        let (mut ledger, opened) = open(&disk, &settings);
        assert_eq!(opened.torn_bytes, 0);
        ledger.verify().expect("it is whole");
        for (position, bytes) in &records {
            let durable = ledger.durable(position.sequence);
            assert!(durable <= end(position.sequence), "seed {seed}");
            let found = ledger.reader().read(*position).unwrap().map(|record| record.bytes);
            assert_eq!(found.as_ref(), Some(bytes).filter(|_| position.number <= durable));
        }
    }
}
