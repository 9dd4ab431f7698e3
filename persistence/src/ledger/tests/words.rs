//! What the ledger refuses, and in which words.

use redeemd_domain::sequence::{Position, SequenceId};

use crate::disk::simulated::{Random, SimulatedDisk};
use crate::ledger::{Batch, Error, Key, KeyKind, MAXIMUM_KEYS, MAXIMUM_RECORD_BYTES};

use super::model::{open, settings};

#[test]
fn a_batch_must_continue_its_sequence() {
    let disk = SimulatedDisk::new(1);
    let (mut ledger, _) = open(&disk, &settings(&mut Random::new(1)));
    let sequence = SequenceId::shard(0);
    let mut batch = Batch::new(sequence, 1, ledger.key_hasher());
    batch.push(2, b"two", &[]).expect("it is taken");
    batch.cover(5);
    ledger.append(&batch).expect("it begins the sequence");
    assert_eq!(ledger.reader().appended(sequence), 5);
    assert_eq!(ledger.durable(sequence), 0);
    let error = ledger.append(&batch).expect_err("it was appended already");
    assert!(matches!(error, Error::OutOfOrder { expected: 6, given: 1, .. }), "{error}");
    let durable = ledger.commit().expect("it commits");
    assert_eq!(durable, [Position { sequence, number: 5 }]);
    assert_eq!(ledger.durable(sequence), 5);
    assert_eq!(ledger.commit().expect("nothing to commit"), []);
}

#[test]
fn a_batch_refuses_what_it_cannot_hold() {
    let disk = SimulatedDisk::new(1);
    let (ledger, _) = open(&disk, &settings(&mut Random::new(1)));
    let mut batch = Batch::new(SequenceId::CONTROL, 10, ledger.key_hasher());
    let key = Key { kind: KeyKind::USER, bytes: b"u" };
    assert!(batch.push(9, b"", &[]).is_err(), "before its first number");
    assert!(batch.push(1 << 48, b"", &[]).is_err(), "beyond the last number there is");
    assert!(batch.push(10, b"", &[key; MAXIMUM_KEYS + 1]).is_err(), "too many keys");
    assert!(batch.push(10, &vec![0; MAXIMUM_RECORD_BYTES + 1], &[]).is_err(), "too long");
    assert_eq!((batch.records(), batch.last()), (0, 9));
    batch
        .push(10, &vec![0; MAXIMUM_RECORD_BYTES], &[key; MAXIMUM_KEYS])
        .expect("just within the limits");
    assert!(batch.push(10, b"", &[]).is_err(), "the number must rise");
}

#[test]
fn equal_keys_of_two_sorts_are_two() {
    let disk = SimulatedDisk::new(1);
    let (mut ledger, _) = open(&disk, &settings(&mut Random::new(1)));
    let mut batch = Batch::new(SequenceId::CONTROL, 1, ledger.key_hasher());
    let key = Key { kind: KeyKind::USER, bytes: b"same" };
    batch.push(1, b"one", &[key]).expect("it is taken");
    batch.push(2, b"two", &[Key { kind: KeyKind::CODE, ..key }]).expect("it is taken");
    ledger.append(&batch).expect("it is appended");
    let found: Vec<_> = ledger.reader().find(key).collect::<Result<_, _>>().expect("found");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].record.bytes, b"one");
}
