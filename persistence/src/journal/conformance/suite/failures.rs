//! Disks that fail, and disks that are full.

use crate::journal::Reserve;
use crate::journal::conformance::{
    AppendError, Error, Reopened, Storage, append, fill, next, reopen,
};
use crate::journal::error::Refusal;

pub(super) fn unknown_poisons_until_the_next_open(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let all = fill(&mut *journal, 3, 100);
    let lost = next(&*journal, 1, 1, &[9; 20_000]);
    storage.fail_next_append();
    let error = append(&mut *journal, std::slice::from_ref(&lost)).unwrap_err();
    assert!(matches!(error, AppendError::Unknown(_)), "{error}");
    let again = append(&mut *journal, std::slice::from_ref(&lost)).unwrap_err();
    assert!(matches!(again, AppendError::NotAppended(Refusal::Poisoned)), "{again}");
    assert!(matches!(journal.prepare(), Err(Error::Poisoned)));
    assert!(matches!(journal.release(&[]), Err(Error::Poisoned)));
    drop(journal);
    storage.restart();
    let Reopened { mut journal, frames, .. } = reopen(storage);
    let with_lost = [all.clone(), vec![lost]].concat();
    assert!(frames == all || frames == with_lost);
    let more = fill(&mut *journal, 2, 100);
    drop(journal);
    assert_eq!(reopen(storage).frames, [frames, more].concat());
}

pub(super) fn a_full_disk_refuses_and_recovers(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let mut all = fill(&mut *journal, 3, 100);
    storage.set_free_bytes(1 << 20);
    let frame = [next(&*journal, 1, 1, &[1; 100])];
    let error = append(&mut *journal, &frame).unwrap_err();
    let refused = matches!(error, AppendError::NotAppended(Refusal::NoSpace { .. }));
    assert!(refused, "{error}");
    storage.set_free_bytes(1 << 26);
    append(&mut *journal, &frame).unwrap();
    all.extend(frame);
    drop(journal);
    assert_eq!(reopen(storage).frames, all);
}

pub(super) fn the_reserve_lets_a_full_disk_open(storage: &dyn Storage) {
    let Reopened { mut journal, report, .. } = reopen(storage);
    assert_eq!(report.reserve, Reserve::Present);
    let mut all = fill(&mut *journal, 3, 100);
    storage.set_free_bytes(0);
    drop(journal);
    let Reopened { mut journal, report, frames } = reopen(storage);
    assert_eq!((report.reserve, frames), (Reserve::GivenUp, all.clone()));
    let frame = next(&*journal, 1, 1, b"no room");
    assert!(append(&mut *journal, &[frame]).is_err());
    assert!(!journal.restore_reserve().unwrap());
    storage.set_free_bytes(1 << 26);
    assert!(journal.restore_reserve().unwrap());
    all.extend(fill(&mut *journal, 1, 100));
    journal.give_up_reserve().unwrap();
    journal.give_up_reserve().unwrap();
    drop(journal);
    let Reopened { report, frames, .. } = reopen(storage);
    assert_eq!((report.reserve, frames), (Reserve::Present, all));
}
