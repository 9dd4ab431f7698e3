//! The power is cut at every write, every sync and every change of a name, and everything that a
//! commit had acknowledged is there afterwards.

use std::sync::Arc;

use crate::disk::simulated::{Random, SimulatedDisk};
use crate::ledger::{Ledger, Result, Settings};

use super::model::{Model, open, settings};

/// What is certain, and what may be there instead when the commit under way has succeeded.
#[derive(Clone, Default)]
struct Known {
    acknowledged: Model,
    appended: Model,
}

fn live(disk: &SimulatedDisk, settings: &Settings, seed: u64, known: &mut Known) -> Result<()> {
    let mut random = Random::new(seed);
    let (mut ledger, _) = Ledger::open(Arc::new(disk.clone()), settings.clone())?;
    for _ in 0..16 {
        for _ in 0..=random.below(3) {
            let batch = known.appended.next_batch(&mut random, &ledger.reader());
            ledger.append(&batch)?;
        }
        ledger.commit()?;
        known.acknowledged = known.appended.clone();
        ledger.maintain(random.below(8_000))?;
    }
    Ok(())
}

fn cut_at(operation: u64, seed: u64, settings: &Settings) {
    let disk = SimulatedDisk::new(seed ^ operation << 20);
    disk.stop_at(operation);
    let mut known = Known::default();
    assert!(live(&disk, settings, seed, &mut known).is_err(), "the disk stops");
    disk.power_cut();
    let (mut ledger, _) = open(&disk, settings);
    let is_acknowledged = known.acknowledged.is_covered_by(&ledger.reader());
    let mut model = if is_acknowledged { known.acknowledged } else { known.appended };
    model.check(&ledger.reader());
    ledger.verify().expect("it is whole");
    let mut random = Random::new(operation);
    for _ in 0..3 {
        let batch = model.next_batch(&mut random, &ledger.reader());
        ledger.append(&batch).expect("it goes on");
        ledger.commit().expect("it goes on");
    }
    drop(ledger);
    disk.power_cut();
    let (mut ledger, _) = open(&disk, settings);
    assert!(model.is_covered_by(&ledger.reader()), "what came after the cut is there");
    ledger.verify().expect("it is whole");
}

#[test]
fn what_was_committed_survives_a_power_cut_at_every_operation() {
    for seed in 0..2 {
        let settings = settings(&mut Random::new(seed));
        let whole = SimulatedDisk::new(seed);
        live(&whole, &settings, seed, &mut Known::default()).expect("nothing fails");
        let operations = whole.operations();
        assert!(operations > 100, "seed {seed} does too little: {operations} operations");
        for operation in 1..=operations {
            let result = std::panic::catch_unwind(|| cut_at(operation, seed, &settings));
            assert!(result.is_ok(), "seed {seed}, operation {operation} of {operations}");
        }
    }
}

#[test]
fn a_failed_sync_is_final() {
    let disk = SimulatedDisk::new(1);
    let settings = settings(&mut Random::new(1));
    let (mut ledger, _) = open(&disk, &settings);
    let (mut model, mut random) = (Model::default(), Random::new(2));
    while model == Model::default() {
        ledger.append(&model.next_batch(&mut random, &ledger.reader())).expect("it is appended");
    }
    disk.fail_syncs_from(disk.operations() + 1);
    ledger.commit().expect_err("the sync failed");
    let poisoned = ledger.commit().expect_err("the sync is not tried again");
    assert!(matches!(poisoned, crate::ledger::Error::Poisoned), "{poisoned}");
    let batch = model.next_batch(&mut random, &ledger.reader());
    assert!(matches!(ledger.append(&batch), Err(crate::ledger::Error::Poisoned)));
}
