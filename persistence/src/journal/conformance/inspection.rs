//! Looking at damaged segments, and salvaging what comes before the damage.

use super::super::inspect::{assess, inspect, salvage};
use super::super::options::Preparation;
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

#[test]
fn salvage_says_what_is_lost_and_keeps_the_rest_aside() {
    let storage = Segment::new(Preparation::Inline);
    let Reopened { mut journal, .. } = reopen(&storage);
    let all = fill(&mut *journal, 30, 3000);
    drop(journal);
    let (number, mut bytes) = storage.blocks()[11].clone();
    bytes[600] ^= 1;
    storage.set_block(number, Some(&bytes));
    let damaged = storage.disk.contents();

    let options = options(&storage);
    let loss = assess(storage.disk(), &options).unwrap().unwrap();
    assert!(storage.disk.contents() == damaged);
    assert_eq!(loss.place.block, number);
    assert_eq!(loss.lost, [0, 1, 5].map(|sequence| (SequenceId(sequence), 34, 90)));

    let mut other = loss.clone();
    other.lost.clear();
    assert!(salvage(storage.disk(), &options, &other).is_err());
    assert!(storage.disk.contents() == damaged);

    salvage(storage.disk(), &options, &loss).unwrap();
    storage.disk.power_cut();
    let contents = storage.disk.contents();
    for path in &loss.files {
        assert!(contents[&format!("{path}.damaged")] == damaged[path], "{path}");
    }
    let Reopened { mut journal, frames, report } = reopen(&storage);
    assert_eq!((frames.as_slice(), report.torn_tail), (&all[..33], None));
    fill(&mut *journal, 30, 3000);
}
