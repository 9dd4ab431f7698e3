//! Looking for answers in the ledger, as the HTTP layer does.

use std::sync::Arc;

use redeemd_domain::machine::{Recollection, Recorded as _};
use redeemd_domain::request::{Request, RequestDigest};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::Record;
use redeemd_persistence::ledger::{Key, KeyKind, LedgerReader};

use crate::oracle::Modelled;

/// What the ledger knows of a request; `None` when it cannot be read, which ends the process.
pub(super) fn search<M: Modelled>(
    ledger: &LedgerReader,
    sequence: SequenceId,
    request: Request,
) -> Option<Recollection<M::Record>> {
    let RequestDigest(digest) = request.digest;
    for found in ledger.find(Key { kind: KeyKind::REQUEST, bytes: &digest }) {
        let found = found.ok()?;
        if found.record.position.sequence != sequence {
            continue;
        }
        let record = Arc::new(M::read_record(&found.record.bytes));
        match Recollection::of(record, &request) {
            Recollection::Unknown => {}
            known => return Some(known),
        }
    }
    Some(Recollection::Unknown)
}

/// An answer that was given is in the ledger, whichever way one looks for it.
pub(super) fn check_given(ledger: &LedgerReader, sequence: SequenceId, record: &Arc<Record>) {
    let position = Position { sequence, number: record.number };
    if ledger.appended(sequence) < record.number {
        // Answers do not wait for the ledger.
        return;
    }
    let found = ledger.read(position).expect("the ledger reads").map(|found| found.bytes);
    let found = found.map(|bytes| redeemd_actors::ledger_record::decode_shard(&bytes));
    let found = found.map(|found| found.expect("it is a record"));
    assert_eq!(found.as_ref(), Some(&**record), "the ledger has another record at {position}");
    let has = |kind, bytes: &[u8]| {
        ledger
            .find(Key { kind, bytes })
            .any(|found| found.expect("the ledger reads").record.position == position)
    };
    record.codes(&mut |code| {
        assert!(has(KeyKind::CODE, &code.canonical()), "{position} is not found by its code");
    });
    if let Some((_, redemption)) = record.redemption() {
        let user = redemption.user.as_bytes();
        assert!(has(KeyKind::USER, user), "{position} is not found by its user");
    }
    if let Some((RequestDigest(digest), _)) = record.request() {
        assert!(has(KeyKind::REQUEST, &digest), "{position} is not found by its request");
    }
}
