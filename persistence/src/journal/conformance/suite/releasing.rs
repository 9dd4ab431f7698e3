//! Which entries may go, and which must be there.

use redeemd_domain::sequence::SequenceId;

use crate::journal::conformance::{
    Engine, Error, Owned, Reopened, Requirement, Storage, fill, open_error, reopen, try_open,
};

pub(super) fn released_entries_go_and_the_others_stay(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let mut all = fill(&mut *journal, 100, 3000);
    let tail = journal.tail(SequenceId(0)).last;
    let before = journal.stored_bytes();
    // One sequence that was not released holds everything.
    journal.release(&[(SequenceId(0), tail), (SequenceId(1), tail)]).unwrap();
    drop(journal);
    let Reopened { mut journal, frames, .. } = reopen(storage);
    assert_eq!(frames, all);

    let covered = tail / 2;
    let released = [0, 1, 5].map(|sequence| (SequenceId(sequence), covered));
    journal.release(&released).unwrap();
    all.extend(fill(&mut *journal, 5, 3000));
    if !matches!(storage.engine(), Engine::Sled { .. }) {
        assert!(journal.stored_bytes() < before * 3 / 4, "{}", journal.stored_bytes());
    }
    drop(journal);
    let requirements =
        |covered| released.map(|(sequence, _)| Requirement { sequence, covered, seen: tail });
    let Reopened { journal, frames, .. } = try_open(storage, &requirements(covered)).unwrap();
    all.retain(|frame| frame.last() > covered);
    assert_eq!(frames, all);
    drop(journal);

    let error = open_error(storage, &requirements(0));
    assert!(matches!(error, Error::Released { needed: 1, .. }), "{error}");
    // Everything but the newest part may go, and the chains go on.
    let Reopened { mut journal, .. } = try_open(storage, &requirements(covered)).unwrap();
    let tail = journal.tail(SequenceId(0));
    journal.release(&[0, 1, 5].map(|sequence| (SequenceId(sequence), tail.last))).unwrap();
    drop(journal);
    let Reopened { mut journal, .. } = reopen(storage);
    assert_eq!(journal.tail(SequenceId(0)), tail);
    fill(&mut *journal, 1, 100);
}

pub(super) fn replay_begins_after_what_snapshots_cover(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let all = fill(&mut *journal, 10, 100);
    drop(journal);
    let requirements = [Requirement { sequence: SequenceId(1), covered: 14, seen: 20 }];
    let Reopened { frames, .. } = try_open(storage, &requirements).unwrap();
    let wanted = |frame: &&Owned| frame.sequence != SequenceId(1) || frame.last() > 14;
    assert_eq!(frames, all.iter().filter(wanted).cloned().collect::<Vec<_>>());
}

pub(super) fn an_end_before_what_was_seen_is_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 3, 100);
    drop(journal);
    let sequence = SequenceId(5);
    try_open(storage, &[Requirement { sequence, covered: 0, seen: 9 }]).unwrap();
    for (sequence, covered, seen, last) in [(5, 0, 10, 9), (5, 12, 0, 9), (8, 0, 1, 0)] {
        let sequence = SequenceId(sequence);
        let error = open_error(storage, &[Requirement { sequence, covered, seen }]);
        let expected = seen.max(covered);
        let found = matches!(error, Error::Shortened { sequence: of, last: end, seen }
            if of == sequence && end == last && seen == expected);
        assert!(found, "{error}");
    }
}
