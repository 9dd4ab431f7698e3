//! Looking at segments, damaged ones included, without changing them.

use super::super::inspect::inspect;
use super::super::options::Preparation;
use super::super::salvage::assess;
use super::engines::Segment;
use super::*;

#[test]
fn inspecting_changes_nothing_and_sees_what_opening_sees() {
    let storage = Segment::new(Preparation::Inline);
    let Reopened { mut journal, .. } = reopen(&storage);
    let mut all = fill(&mut *journal, 30, 3000);
    drop(journal);
    let (number, bytes) = storage.blocks().pop().unwrap();
    storage.set_block(number, Some(&bytes[..5000]));
    all.truncate(all.len() - 3);
    let (before, operations) = (storage.disk.contents(), storage.disk.operations());

    let mut frames = Vec::new();
    let report = inspect(storage.disk(), &options(&storage), &[], &mut |frame| {
        frames.push(Owned::of(frame));
        Ok(())
    })
    .unwrap();
    assert_eq!(frames, all);
    assert_eq!(report.torn_tail.unwrap().place.block, number);
    assert_eq!(assess(storage.disk(), &options(&storage)).unwrap(), None);
    assert_eq!(storage.disk.operations(), operations);
    assert!(storage.disk.contents() == before);
}

#[test]
fn a_refused_open_changes_nothing() {
    let storage = Segment::new(Preparation::Inline);
    let Reopened { mut journal, .. } = reopen(&storage);
    fill(&mut *journal, 30, 3000);
    drop(journal);
    let (number, bytes) = storage.blocks()[11].clone();
    storage.set_block(number, Some(&bytes[..5000]));
    let before = storage.disk.contents();
    open_error(&storage, &[]);
    assert!(storage.disk.contents() == before);
}
