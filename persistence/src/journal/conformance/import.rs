//! Journals made out of the blocks of others: carried over to another engine, and rebuilt from what
//! damage left.

use super::super::import::Import;
use super::super::options::Preparation;
use super::super::salvage::{Keep, assess, rebuild};
use super::super::{Tail, anchor_tails};
use super::engines::{Memory, Segment, Sled};
use super::*;

fn export(journal: &dyn Journal) -> (Vec<Vec<u8>>, Vec<(SequenceId, Tail)>) {
    let mut blocks = Vec::new();
    let tails = journal.reader().unwrap().export(&mut |block| {
        blocks.push(block.to_vec());
        Ok(())
    });
    (blocks, tails.unwrap())
}

fn import_into(
    storage: &dyn Storage,
    blocks: &[Vec<u8>],
) -> Result<Vec<(SequenceId, Tail)>, Error> {
    let mut import = Import::begin(storage.disk(), options(storage))?;
    blocks.iter().try_for_each(|block| import.take(block))?;
    Ok(import.finish()?.tails)
}

fn targets() -> [Box<dyn Storage>; 2] {
    [Box::new(Segment::new(Preparation::Background)), Box::new(Sled::new())]
}

/// A journal whose beginning was deleted already.
fn begun_later(storage: &dyn Storage) -> Vec<Owned> {
    let Reopened { mut journal, .. } = reopen(storage);
    let all = fill(&mut *journal, 60, 6000);
    journal.release(&[0, 1, 5].map(|sequence| (SequenceId(sequence), 90))).unwrap();
    drop(journal);
    let kept = reopen(storage).frames;
    assert!(kept.len() < all.len(), "something was deleted");
    kept
}

#[test]
fn every_engine_can_be_made_of_every_other() {
    let sources: [Box<dyn Storage>; 3] = [
        Box::new(Memory::new()),
        Box::new(Segment::new(Preparation::Inline)),
        Box::new(Sled::new()),
    ];
    for source in sources {
        let kept = begun_later(&*source);
        let Reopened { journal, .. } = reopen(&*source);
        let (blocks, tails) = export(&*journal);
        let begins = anchor_tails(&blocks[0], DIRECTORY).unwrap();
        assert_eq!(begins.iter().map(|(_, tail)| tail.last).min(), Some(kept[0].first - 1));
        drop(journal);
        for target in targets() {
            assert_eq!(import_into(&*target, &blocks).unwrap(), tails);
            let Reopened { mut journal, frames, report } = reopen(&*target);
            assert!(frames == kept && report.tails == tails);
            assert_eq!(export(&*journal), (blocks.clone(), tails.clone()));
            fill(&mut *journal, 30, 3000);
        }
    }
}

#[test]
fn an_empty_journal_is_carried_over_too() {
    for source in targets() {
        let Reopened { journal, .. } = reopen(&*source);
        let (blocks, tails) = export(&*journal);
        assert_eq!((blocks.len(), tails.len()), (1, 0));
        for target in targets() {
            assert_eq!(import_into(&*target, &blocks).unwrap(), []);
            fill(&mut *reopen(&*target).journal, 3, 100);
        }
    }
}

#[test]
fn what_was_finished_outlives_a_power_cut() {
    for seed in 0..20 {
        let source = Memory::new();
        let mut journal = reopen(&source).journal;
        let all = fill(&mut *journal, 60, 6000);
        let target = Segment::with_seed(Preparation::Inline, seed);
        import_into(&target, &export(&*journal).0).unwrap();
        target.disk.power_cut();
        assert!(reopen(&target).frames == all, "seed {seed}");
    }
}

#[test]
fn only_whole_blocks_in_their_order_are_taken() {
    let source = Memory::new();
    let mut journal = reopen(&source).journal;
    fill(&mut *journal, 6, 600);
    let (blocks, _) = export(&*journal);
    let mut changed = blocks.clone();
    changed[3][500] ^= 1;
    let mut skipped = blocks.clone();
    skipped.remove(3);
    let mut twice = blocks.clone();
    twice.insert(4, blocks[0].clone());
    for wrong in [&blocks[1..], &changed, &skipped, &twice, &[]] {
        for target in targets() {
            let error = import_into(&*target, wrong).unwrap_err();
            assert!(matches!(error, Error::Damaged { .. }), "{error}");
        }
    }
    let target = Segment::new(Preparation::Inline);
    import_into(&target, &blocks).unwrap();
    assert!(import_into(&target, &blocks).is_err(), "there is one already");
    assert!(import_into(&Memory::new(), &blocks).is_err(), "memory keeps nothing");
}

/// Damages a block in the middle and says what can be made of it.
fn rebuilt(source: &dyn Storage, target: &dyn Storage, keep: Keep) -> (Vec<Owned>, Reopened) {
    let mut journal = reopen(source).journal;
    let all = fill(&mut *journal, 30, 3000);
    drop(journal);
    let (number, mut bytes) = source.blocks()[11].clone();
    bytes[600] ^= 1;
    source.set_block(number, Some(&bytes));

    let loss = assess(source.disk(), &options(source)).unwrap().unwrap();
    assert_eq!(loss.place.block, number);
    assert_eq!(loss.lost, [0, 1, 5].map(|sequence| (SequenceId(sequence), 34, 90)));
    assert!(loss.kept.iter().all(|(_, tail)| tail.last == 33));
    let rest = loss.rest.clone().unwrap();
    assert_eq!(rest.first_block, number + 1);
    assert!(rest.before.iter().all(|(_, tail)| tail.last == 36));
    assert!(rest.ends.iter().all(|(_, tail)| tail.last == 90));

    let import = Import::begin(target.disk(), options(target)).unwrap();
    rebuild(source.disk(), &options(source), &loss, keep, import).unwrap();
    assert_eq!(assess(target.disk(), &options(target)).unwrap(), None);
    assert!(open_error(source, &[]).to_string().contains("damaged"), "the old one is as it was");
    (all, reopen(target))
}

#[test]
fn what_stands_before_damage_can_be_kept() {
    let [segment, sled] = targets();
    let sources: [Box<dyn Storage>; 2] =
        [Box::new(Segment::new(Preparation::Inline)), Box::new(Sled::new())];
    for (source, target) in sources.iter().zip([segment, sled]) {
        let (all, Reopened { mut journal, frames, .. }) =
            rebuilt(&**source, &*target, Keep::Before);
        assert!(frames == all[..33]);
        fill(&mut *journal, 3, 300);
    }
}

#[test]
fn sequences_without_a_gap_keep_what_they_had_before_the_damage() {
    for (source, target) in targets().iter().zip(targets()) {
        let mut journal = reopen(&**source).journal;
        let mut all = fill(&mut *journal, 20, 3000);
        let hit = next(&*journal, 1, 4, &[7; 600]);
        append(&mut *journal, std::slice::from_ref(&hit)).unwrap();
        all.extend(fill(&mut *journal, 10, 3000));
        drop(journal);
        let (number, mut bytes) = source.blocks()[20].clone();
        bytes[100] ^= 1;
        source.set_block(number, Some(&bytes));

        let loss = assess(source.disk(), &options(&**source)).unwrap().unwrap();
        let gaps: Vec<_> = loss.gaps().map(|(sequence, gap)| (sequence.0, gap.last)).collect();
        assert_eq!(gaps, [(1, 64)]);
        let import = Import::begin(target.disk(), options(&*target)).unwrap();
        rebuild(source.disk(), &options(&**source), &loss, Keep::After, import).unwrap();
        let Reopened { mut journal, frames, .. } = reopen(&*target);
        let kept = all.iter().filter(|frame| frame.sequence.0 != 1 || frame.first > hit.first);
        assert!(frames.iter().eq(kept));
        fill(&mut *journal, 3, 300);
    }
}

#[test]
fn what_stands_behind_damage_can_be_kept() {
    let [segment, sled] = targets();
    let sources: [Box<dyn Storage>; 2] =
        [Box::new(Segment::new(Preparation::Inline)), Box::new(Sled::new())];
    for (source, target) in sources.iter().zip([segment, sled]) {
        let (all, Reopened { mut journal, frames, .. }) = rebuilt(&**source, &*target, Keep::After);
        assert!(frames == all[36..]);
        fill(&mut *journal, 3, 300);
    }
}
