//! Appending, and reading what was appended.

use redeemd_domain::sequence::SequenceId;

use crate::journal::conformance::{
    AppendError, DIRECTORY, Error, Frame, Owned, Reopened, Storage, append, fill, next, open,
    options, reopen,
};
use crate::journal::error::Refusal;
use crate::journal::{ChainDigest, Reserve};

pub(super) fn an_empty_journal_opens_again_and_again(storage: &dyn Storage) {
    for _ in 0..3 {
        let Reopened { journal, report, frames } = reopen(storage);
        assert!(frames.is_empty());
        assert_eq!((report.blocks, report.torn_tail, report.tails.len()), (0, None, 0));
        assert_eq!(report.reserve, Reserve::Present);
        let sequence = SequenceId(3);
        let tail = journal.tail(sequence);
        assert_eq!((tail.last, tail.digest), (0, ChainDigest::genesis(DIRECTORY, sequence)));
    }
}

pub(super) fn what_was_appended_reads_back(storage: &dyn Storage) {
    let mut all = Vec::new();
    for round in 0..4 {
        let Reopened { mut journal, report, frames } = reopen(storage);
        assert_eq!(frames, all);
        assert_eq!(report.blocks, round * 21);
        all.extend(fill(&mut *journal, 20, 1500));
        // Two frames of one sequence in one block, and an empty payload.
        let first = next(&*journal, 1, 2, b"first");
        let second = Owned { first: first.first + 2, payload: Vec::new(), ..first.clone() };
        append(&mut *journal, &[first.clone(), second.clone()]).unwrap();
        assert_eq!(journal.tail(SequenceId(1)).last, second.last());
        all.extend([first, second]);
        journal.prepare().unwrap();
    }
    let Reopened { journal, report, frames } = reopen(storage);
    assert_eq!(frames, all);
    assert_eq!(
        report.replayed_entries,
        all.iter().map(|frame| u64::from(frame.count)).sum::<u64>()
    );
    for (sequence, tail) in report.tails {
        assert_eq!(journal.tail(sequence), tail);
    }
}

pub(super) fn the_largest_append_fits_and_a_larger_one_changes_nothing(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let limit = journal.largest_append();
    let payload = vec![7; limit as usize - Frame::OVERHEAD_BYTES];
    let largest = [next(&*journal, 2, 1, &payload)];
    append(&mut *journal, &largest).unwrap();
    let larger = [next(&*journal, 2, 1, &[payload.as_slice(), b"!"].concat())];
    let error = append(&mut *journal, &larger).unwrap_err();
    let refusal = Refusal::TooLarge { bytes: limit + 1, limit };
    assert!(matches!(error, AppendError::NotAppended(found) if found == refusal));
    let small = [next(&*journal, 2, 1, b"small")];
    append(&mut *journal, &small).unwrap();
    drop(journal);
    assert_eq!(reopen(storage).frames, [largest, small].concat());
}

pub(super) fn frames_that_do_not_follow_are_refused_and_change_nothing(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let all = fill(&mut *journal, 2, 10);
    let good = next(&*journal, 1, 3, b"good");
    for (first, count) in [(good.first - 1, 3), (good.first + 1, 3), (good.first, 0), (0, 1)] {
        let bad = Owned { first, count, ..good.clone() };
        let other = next(&*journal, 0, 1, b"other");
        let error = append(&mut *journal, &[other, bad]).unwrap_err();
        let refused =
            matches!(error, AppendError::NotAppended(Refusal::OutOfOrder { .. } | Refusal::Empty));
        assert!(refused, "{error}");
    }
    assert!(matches!(append(&mut *journal, &[]), Err(AppendError::NotAppended(Refusal::Empty))));
    append(&mut *journal, std::slice::from_ref(&good)).unwrap();
    drop(journal);
    assert_eq!(reopen(storage).frames, [all, vec![good]].concat());
}

pub(super) fn a_visitor_can_refuse(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 3, 100);
    drop(journal);
    let refuse = &mut |_: Frame<'_>| Err("it is unknown".to_owned());
    let error = open(storage.disk(), &options(storage), &[], refuse).err().unwrap();
    assert_eq!(error.to_string(), "journal entry control:1 cannot be applied: it is unknown");
}

pub(super) fn a_reader_reads_while_the_journal_goes_on(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let all = fill(&mut *journal, 40, 3000);
    let sequence = SequenceId(1);
    let mut reader = journal.reader().unwrap();
    fill(&mut *journal, 3, 3000);
    for after in [0, 1, 3, 50, 119, 120, 500] {
        let mut frames = Vec::new();
        reader
            .read(sequence, after, &mut |frame| {
                frames.push(Owned::of(frame));
                Ok(())
            })
            .unwrap();
        let wanted = |frame: &&Owned| frame.sequence == sequence && frame.last() > after;
        assert_eq!(frames, all.iter().filter(wanted).cloned().collect::<Vec<_>>());
    }
    journal.release(&[0, 1, 5].map(|sequence| (SequenceId(sequence), 100))).unwrap();
    let error = journal.reader().unwrap().read(sequence, 10, &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, Error::Released { needed: 11, .. }), "{error}");
}
