//! The naive model: a map of records, and every look-up by going through all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_domain::sequence::{Position, SequenceId};

use crate::disk::simulated::{Random, SimulatedDisk};
use crate::ledger::{Batch, Key, KeyKind, Ledger, LedgerReader, Locator, Opened, Settings};

pub(super) const SEQUENCES: u16 = 3;
const USERS: u64 = 12;

/// What the ledger should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    /// In the order of appending: position, record, its user and its code.
    records: Vec<(Position, Vec<u8>, u8, u64)>,
    covered: BTreeMap<u16, u64>,
}

pub(super) fn settings(random: &mut Random) -> Settings {
    Settings {
        file_bytes: 2_000 + random.below(20_000),
        portion_bytes: 100 + random.below(4_000) as usize,
        index_batch_entries: 5 + random.below(40) as usize,
        cache_bytes: random.below(3) * 400,
        ..Settings::new([7; 16], [9; 16])
    }
}

pub(super) fn open(disk: &SimulatedDisk, settings: &Settings) -> (Ledger, Opened) {
    Ledger::open(Arc::new(disk.clone()), settings.clone()).expect("the ledger opens")
}

impl Model {
    pub(super) fn covered(&self, sequence: SequenceId) -> u64 {
        self.covered.get(&sequence.0).copied().unwrap_or(0)
    }

    /// Makes a batch for some sequence and takes it as appended.
    pub(super) fn next_batch(&mut self, random: &mut Random, reader: &LedgerReader) -> Batch {
        let sequence = SequenceId(random.below(u64::from(SEQUENCES)) as u16);
        let first = self.covered(sequence) + 1;
        let mut batch = Batch::new(sequence, first, reader.key_hasher());
        let mut number = first - 1;
        let longest = if random.one_in(60) { 20_000 } else { 120 };
        for _ in 0..random.below(16) {
            number += if random.one_in(4) { 1 + random.below(400) } else { 1 };
            let (user, code) = (random.below(USERS) as u8, random.below(1 << 40));
            let mut record = vec![user; random.below(longest) as usize];
            record.extend_from_slice(&code.to_le_bytes());
            let keys = [
                Key { kind: KeyKind::USER, bytes: &[user] },
                Key { kind: KeyKind::CODE, bytes: &code.to_le_bytes() },
            ];
            let keys = if random.one_in(10) { &keys[..1] } else { &keys };
            batch.push(number, &record, keys).expect("the batch takes it");
            let position = Position { sequence, number };
            let code = if keys.len() == 1 { u64::MAX } else { code };
            self.records.push((position, record, user, code));
        }
        if random.one_in(3) {
            number += random.below(5);
            batch.cover(number);
        }
        if number >= first {
            self.covered.insert(sequence.0, number);
        }
        batch
    }

    /// Whether the ledger covers exactly what this model does.
    pub(super) fn is_covered_by(&self, reader: &LedgerReader) -> bool {
        (0..SEQUENCES).map(SequenceId).all(|id| reader.appended(id) == self.covered(id))
    }

    /// Compares everything.
    pub(super) fn check(&self, reader: &LedgerReader) {
        assert!(self.is_covered_by(reader), "the sequences end elsewhere");
        for (position, record, _, _) in &self.records {
            let found = reader.read(*position).expect("it can be read");
            assert_eq!(found.map(|found| found.bytes).as_ref(), Some(record), "at {position}");
        }
        for sequence in (0..SEQUENCES).map(SequenceId) {
            let expected: Vec<_> =
                self.records.iter().filter(|record| record.0.sequence == sequence).collect();
            for limit in [9, 1_000] {
                self.check_scan(reader, sequence, &expected, limit);
                self.check_scan_back(reader, sequence, &expected, limit);
            }
            let beyond = Position { sequence, number: self.covered(sequence) + 1 };
            assert_eq!(reader.read(beyond).expect("it can be read"), None);
        }
        for user in 0..USERS as u8 {
            self.check_user(reader, user);
        }
        for (position, _, _, code) in self.records.iter().filter(|record| record.3 != u64::MAX) {
            let key = Key { kind: KeyKind::CODE, bytes: &code.to_le_bytes() };
            let found: Vec<_> =
                reader.find(key).map(|found| found.expect("it is found").record.position).collect();
            assert_eq!(found, [*position], "by code");
            let other = Key { kind: KeyKind::REQUEST, ..key };
            assert!(reader.find(other).next().is_none(), "a key of another sort finds nothing");
        }
    }

    fn check_scan(
        &self,
        reader: &LedgerReader,
        sequence: SequenceId,
        expected: &[&(Position, Vec<u8>, u8, u64)],
        limit: usize,
    ) {
        let (mut found, mut after) = (Vec::new(), 0);
        while after < self.covered(sequence) {
            let page = reader.scan(sequence, after, limit).expect("it can be scanned");
            assert!(page.through > after && page.records.len() <= limit);
            after = page.through;
            found.extend(page.records);
        }
        assert_eq!(found.len(), expected.len(), "a scan of {sequence}, {limit} at a time");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((found.position, &found.bytes), (expected.0, &expected.1));
        }
    }

    fn check_scan_back(
        &self,
        reader: &LedgerReader,
        sequence: SequenceId,
        expected: &[&(Position, Vec<u8>, u8, u64)],
        limit: usize,
    ) {
        let (mut found, mut before) = (Vec::new(), u64::MAX);
        loop {
            let page = reader.scan_back(sequence, before, limit).expect("it can be scanned");
            assert!(page.from < before && page.records.len() <= limit);
            before = page.from;
            found.extend(page.records);
            if before <= 1 {
                break;
            }
        }
        assert_eq!(found.len(), expected.len(), "back through {sequence}, {limit} at a time");
        for (found, expected) in found.iter().zip(expected.iter().rev()) {
            assert_eq!((found.position, &found.bytes), (expected.0, &expected.1));
        }
        let middle = self.covered(sequence) / 2;
        let newest = reader.scan_back(sequence, middle, 1).expect("it can be scanned").records;
        let expected = expected.iter().rfind(|record| record.0.number < middle);
        assert_eq!(newest.first().map(|found| found.position), expected.map(|record| record.0));
    }

    fn check_user(&self, reader: &LedgerReader, user: u8) {
        let key = Key { kind: KeyKind::USER, bytes: &[user] };
        let newest_first = self.records.iter().rev().filter(|record| record.2 == user);
        let expected: Vec<_> = newest_first.map(|record| record.0).collect();
        let found: Vec<_> = reader.find(key).map(|found| found.expect("it is found")).collect();
        let positions: Vec<_> = found.iter().map(|found| found.record.position).collect();
        assert_eq!(positions, expected, "by user");
        let middle = found.len() / 2;
        let before = found.get(middle).map_or(Locator::END, |found| found.locator);
        let rest = reader.find_before(key, before).count();
        let expected = if found.is_empty() { 0 } else { found.len() - middle - 1 };
        assert_eq!(rest, expected, "by user, before a place");
    }
}
