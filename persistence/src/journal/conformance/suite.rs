//! The tests, once for every engine.

use redeemd_domain::sequence::SequenceId;

use super::super::block::{VERSION, decode_anchor};
use super::super::error::{Damage, Refusal};
use super::super::options::Preparation;
use super::super::{ChainDigest, Reserve};
use super::engines::{Memory, Segment, Sled};
use super::*;

macro_rules! for_every_engine {
    ($($test:ident),* $(,)?) => {
        mod memory { $(#[test] fn $test() { super::$test(&super::Memory::new()); })* }
        mod segment {
            use super::{Preparation::Inline, Segment};
            $(#[test] fn $test() { super::$test(&Segment::new(Inline)); })*
        }
        mod segment_with_threads {
            use super::{Preparation::Background, Segment};
            $(#[test] fn $test() { super::$test(&Segment::new(Background)); })*
        }
        mod sled { $(#[test] fn $test() { super::$test(&super::Sled::new()); })* }
    };
}

for_every_engine!(
    an_empty_journal_opens_again_and_again,
    what_was_appended_reads_back,
    the_largest_append_fits_and_a_larger_one_changes_nothing,
    frames_that_do_not_follow_are_refused_and_change_nothing,
    released_entries_go_and_the_others_stay,
    replay_begins_after_what_snapshots_cover,
    a_torn_tail_is_cut_off_and_reported,
    damage_before_the_end_is_refused_with_its_place,
    a_lost_block_is_refused,
    forged_blocks_are_refused,
    another_directory_is_refused,
    a_newer_format_is_refused,
    an_end_before_what_was_seen_is_refused,
    a_visitor_can_refuse,
    unknown_poisons_until_the_next_open,
    a_full_disk_refuses_and_recovers,
    the_reserve_lets_a_full_disk_open,
    a_reader_reads_while_the_journal_goes_on,
);

fn an_empty_journal_opens_again_and_again(storage: &dyn Storage) {
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

fn what_was_appended_reads_back(storage: &dyn Storage) {
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

fn the_largest_append_fits_and_a_larger_one_changes_nothing(storage: &dyn Storage) {
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

fn frames_that_do_not_follow_are_refused_and_change_nothing(storage: &dyn Storage) {
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

fn released_entries_go_and_the_others_stay(storage: &dyn Storage) {
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

fn replay_begins_after_what_snapshots_cover(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let all = fill(&mut *journal, 10, 100);
    drop(journal);
    let requirements = [Requirement { sequence: SequenceId(1), covered: 14, seen: 20 }];
    let Reopened { frames, .. } = try_open(storage, &requirements).unwrap();
    let wanted = |frame: &&Owned| frame.sequence != SequenceId(1) || frame.last() > 14;
    assert_eq!(frames, all.iter().filter(wanted).cloned().collect::<Vec<_>>());
}

fn a_torn_tail_is_cut_off_and_reported(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let mut all = fill(&mut *journal, 6, 5000);
    drop(journal);
    for kept in [1, 40, 60, 6000, 15_000] {
        let (number, bytes) = storage.blocks().pop().unwrap();
        storage.set_block(number, Some(&bytes[..kept]));
        all.truncate(all.len() - 3);
        let Reopened { mut journal, report, frames } = reopen(storage);
        assert_eq!(frames, all);
        let torn = report.torn_tail.unwrap();
        assert_eq!(torn.place.block, number);
        // Where zeros follow, those at the end of what is left cannot be told from them.
        assert!((1..=kept as u64).contains(&torn.dropped_bytes), "{torn:?}");
        // What is written next is shorter than what was torn, and nothing of that comes back.
        all.extend(fill(&mut *journal, 1, 10));
        drop(journal);
        let Reopened { mut journal, report, frames } = reopen(storage);
        assert_eq!((frames, report.torn_tail), (all.clone(), None));
        all.extend(fill(&mut *journal, 1, 5000));
    }
}

fn damage_before_the_end_is_refused_with_its_place(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    // All in one segment: nothing but a later block tells damage from a torn tail.
    fill(&mut *journal, 6, 2000);
    drop(journal);
    let (number, bytes) = storage.blocks()[4].clone();
    // In the header, in the first frame, in the second one's payload, in the last byte.
    for at in [0, 20, HEADER_BYTES + 30, HEADER_BYTES + 2100, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        storage.set_block(number, Some(&damaged));
        match open_error(storage, &[]) {
            Error::Damaged { place, damage: Damage::MissingBlock { .. } } => {
                assert!(at < HEADER_BYTES && place.block == number, "{place}");
            }
            Error::Damaged { place, damage: Damage::Checksum { frame } } => {
                assert_eq!(place.block, number);
                let sequence = [0, 1, 5][(at - HEADER_BYTES) / 2044];
                assert_eq!(frame, Some((SequenceId(sequence), 13)));
            }
            error => panic!("{error}"),
        }
    }
    storage.set_block(number, Some(&bytes));
    reopen(storage);
}

fn a_lost_block_is_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    // All in one segment: nothing but a later block tells damage from a torn tail.
    fill(&mut *journal, 6, 2000);
    drop(journal);
    for number in [1, 4, 5] {
        let (_, bytes) = storage.blocks()[number - 1].clone();
        storage.set_block(number as u64, None);
        let error = open_error(storage, &[]);
        let found = matches!(&error, Error::Damaged { place, .. } if place.block == number as u64);
        assert!(found, "{error}");
        storage.set_block(number as u64, Some(&bytes));
    }
    reopen(storage);
}

fn forged_blocks_are_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 8, 2000);
    drop(journal);
    let blocks = storage.blocks();
    let (number, good) = &blocks[4];
    let refused = |bytes: &[u8]| {
        storage.set_block(*number, Some(bytes));
        let error = open_error(storage, &[]);
        storage.set_block(*number, Some(good));
        match error {
            Error::Damaged { place, damage } if place.block == *number => damage,
            error => panic!("{error}"),
        }
    };
    // The neighbour in its place, as it is or under the right number.
    assert_eq!(refused(&blocks[5].1), Damage::BlockNumber { expected: 5, found: 6 });
    let sequence = SequenceId(0);
    let forged = forge(*number, body(&blocks[5].1), DIRECTORY);
    assert_eq!(refused(&forged), Damage::Gap { sequence, expected: 13, found: 16 });
    let forged = forge(*number, body(&blocks[3].1), DIRECTORY);
    assert_eq!(refused(&forged), Damage::Gap { sequence, expected: 13, found: 10 });
    // The right entries, but another frame before them.
    let mut forged = Vec::new();
    let frame = Frame { sequence, first: 13, count: 3, payload: b"forged" };
    frame.encode(ChainDigest([1; 16]), &mut forged);
    let forged = forge(*number, &forged, DIRECTORY);
    assert_eq!(refused(&forged), Damage::BrokenChain { sequence, first: 13 });
    // A frame of a sequence that the directory never had, from the middle of it.
    let sequence = SequenceId(9);
    let frame = Frame { sequence, first: 7, ..frame };
    let mut forged = Vec::new();
    frame.encode(ChainDigest::genesis(DIRECTORY, sequence), &mut forged);
    let forged = forge(*number, &forged, DIRECTORY);
    assert_eq!(refused(&forged), Damage::Gap { sequence, expected: 1, found: 7 });
    assert_eq!(refused(&forge(*number, b"no frame", DIRECTORY)), Damage::Malformed);
    assert!(decode_anchor(b"no anchor", DIRECTORY).is_none());
    reopen(storage);
}

fn another_directory_is_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 3, 2000);
    drop(journal);
    let other = DirectoryId([8; 16]);
    let options = Options { directory: other, ..options(storage) };
    let error = open(storage.disk(), &options, &[], &mut |_| Ok(())).err().unwrap();
    let found = matches!(error, Error::ForeignDirectory { found, expected, .. }
        if found == DIRECTORY && expected == other);
    assert!(found, "{error}");
    reopen(storage);
}

fn a_newer_format_is_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 3, 2000);
    drop(journal);
    let (number, mut bytes) = storage.blocks().pop().unwrap();
    bytes[8] = VERSION as u8 + 1;
    let checksum = crc32c::crc32c(&bytes[..44]);
    bytes[44..48].copy_from_slice(&checksum.to_le_bytes());
    storage.set_block(number, Some(&bytes));
    let error = open_error(storage, &[]);
    assert!(matches!(error, Error::NewerFormat { found: 2, supported: 1, .. }), "{error}");
}

fn an_end_before_what_was_seen_is_refused(storage: &dyn Storage) {
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

fn a_visitor_can_refuse(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 3, 100);
    drop(journal);
    let refuse = &mut |_: Frame<'_>| Err("it is unknown".to_owned());
    let error = open(storage.disk(), &options(storage), &[], refuse).err().unwrap();
    assert_eq!(error.to_string(), "journal entry control:1 cannot be applied: it is unknown");
}

fn unknown_poisons_until_the_next_open(storage: &dyn Storage) {
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

fn a_full_disk_refuses_and_recovers(storage: &dyn Storage) {
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

fn the_reserve_lets_a_full_disk_open(storage: &dyn Storage) {
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

fn a_reader_reads_while_the_journal_goes_on(storage: &dyn Storage) {
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
