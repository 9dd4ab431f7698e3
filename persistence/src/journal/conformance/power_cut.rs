//! The power fails at every write and every sync of a recorded run of the segment engine, and the
//! recovery from that is interrupted as well.
//!
//! `REDEEMD_POWER_CUT_SEEDS` sets how many seeds are tried for each point.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::options::Preparation;
use super::engines::Segment;
use super::*;
use crate::disk::simulated::Random;

/// What must and what may be found.
#[derive(Default)]
struct Model {
    /// What was acknowledged, or found at an open: that is as good.
    certain: Vec<Owned>,
    /// What ended in an unknown state.
    unknown: Vec<Owned>,
    released: BTreeMap<SequenceId, u64>,
}

impl Model {
    /// Takes what an open found for true, or says what is wrong with it.
    fn settle(&mut self, found: &[Owned]) {
        let in_flight = std::mem::take(&mut self.unknown);
        if !in_flight.is_empty() && found.ends_with(&in_flight) {
            self.certain.extend(in_flight);
        }
        // What was released may be gone, but only from the beginning.
        assert!(self.certain.ends_with(found), "{} frames, not a suffix", found.len());
        let missing = &self.certain[..self.certain.len() - found.len()];
        for frame in missing {
            let released = self.released.get(&frame.sequence).copied().unwrap_or(0);
            assert!(frame.last() <= released, "{}:{} is lost", frame.sequence, frame.first);
        }
    }
}

/// Appends, prepares, releases and opens again, until something fails or the steps are over.
fn live(storage: &Segment, model: &mut Model, random: &mut Random, steps: u64) -> Result<(), ()> {
    let mut opened = try_open(storage, &[]).map_err(drop_disk_error)?;
    model.settle(&opened.frames);
    for _ in 0..steps {
        let journal = &mut *opened.journal;
        match random.below(16) {
            0 => journal.prepare().map_err(drop_disk_error)?,
            1 => {
                let mut released = Vec::new();
                for sequence in (0..3).map(SequenceId) {
                    let number = random.below(journal.tail(sequence).last + 1);
                    let known = model.released.entry(sequence).or_default();
                    *known = number.max(*known);
                    released.push((sequence, number));
                }
                journal.release(&released).map_err(drop_disk_error)?;
            }
            2 => {
                opened = try_open(storage, &[]).map_err(drop_disk_error)?;
                model.settle(&opened.frames);
            }
            _ => {
                let mut payload = vec![0; random.below(14_000) as usize];
                random.fill(&mut payload);
                let mut frames = Vec::new();
                for sequence in 0..=random.below(3) as u16 {
                    let cut = random.below(payload.len() as u64 + 1) as usize;
                    frames.push(next(journal, sequence, 1 + cut as u32 % 7, &payload[..cut]));
                }
                match append(journal, &frames) {
                    Ok(_) => model.certain.extend(frames),
                    Err(AppendError::Unknown(_)) => {
                        model.unknown = frames;
                        return Err(());
                    }
                    Err(AppendError::NotAppended(_)) => return Err(()),
                }
            }
        }
    }
    Ok(())
}

/// An open may fail because the disk does, and for no other reason.
fn drop_disk_error(error: Error) {
    assert!(matches!(error, Error::Disk(_)), "refused: {error}");
}

#[derive(Clone, Copy, Debug)]
enum End {
    PowerCut,
    Kill,
    FailedSync,
    FailedWrite,
}

const ENDS: [End; 4] = [End::PowerCut, End::Kill, End::FailedSync, End::FailedWrite];

/// One history: a life that ends at an operation, one that ends during recovery, one to the end.
fn history(seed: u64, operation: u64, steps: u64) -> u64 {
    let storage = Segment::with_seed(Preparation::Inline, seed);
    let mut random = Random::new(seed);
    let mut model = Model::default();
    for life in 0..4 {
        let end = ENDS[random.below(4) as usize];
        let before = storage.disk.operations();
        match (life, end) {
            (0, End::FailedSync) => storage.disk.fail_syncs_from(before + operation),
            (0, End::FailedWrite) => storage.disk.fail_writes_from(before + operation),
            (0, _) => storage.disk.stop_at(before + operation),
            (1, _) => storage.disk.stop_at(before + 1 + random.below(12)),
            (2, _) => storage.disk.stop_at(before + 1 + random.below(60)),
            _ => {}
        }
        let result = live(&storage, &mut model, &mut random, steps);
        if life == 3 {
            assert!(result.is_ok(), "the last life failed");
        }
        match end {
            End::PowerCut => storage.disk.power_cut(),
            _ => storage.disk.process_restart(),
        }
        // What an open shows is relied upon at once, so it must be durable by then.
        if random.one_in(2)
            && try_open(&storage, &[]).map(|opened| model.settle(&opened.frames)).is_ok()
        {
            storage.disk.power_cut();
        }
    }
    let operations = storage.disk.operations();
    let found = try_open(&storage, &[]).map(|opened| opened.frames);
    model.settle(&found.unwrap());
    operations
}

#[test]
fn nothing_acknowledged_is_lost_at_any_write_or_sync() {
    const STEPS: u64 = 40;
    let seeds = std::env::var("REDEEMD_POWER_CUT_SEEDS");
    let seeds = seeds.ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(6);
    let mut histories = 0;
    for seed in 0..seeds {
        for operation in 1..=160 {
            let seed = seed * 1000 + operation;
            let run = catch_unwind(AssertUnwindSafe(|| history(seed, operation, STEPS)));
            assert!(run.is_ok(), "seed {seed}, operation {operation}");
            histories += 1;
        }
    }
    println!("{histories} histories");
}
