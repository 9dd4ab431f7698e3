//! Random histories with crashes: the ledger and the model never disagree.

use crate::disk::simulated::{Random, SimulatedDisk};

use super::model::{Model, open, settings};

fn live(seed: u64, steps: u64) {
    let mut random = Random::new(seed);
    let disk = SimulatedDisk::new(seed);
    let settings = settings(&mut random);
    let (mut ledger, _) = open(&disk, &settings);
    let (mut model, mut committed) = (Model::default(), Model::default());
    for _ in 0..steps {
        match random.below(100) {
            0..60 => {
                let batch = model.next_batch(&mut random, &ledger.reader());
                ledger.append(&batch).expect("it is appended");
            }
            60..80 => {
                ledger.commit().expect("it commits");
                committed = model.clone();
            }
            80..90 => {
                ledger.maintain(random.below(10_000)).expect("it is maintained");
            }
            90..92 => {
                model.check(&ledger.reader());
                ledger.verify().expect("it is whole");
                committed = model.clone();
            }
            92..94 => model.check(&ledger.reader()),
            94 => {
                ledger.rebuild_index().expect("the index is rebuilt");
                committed = model.clone();
            }
            choice => {
                drop(ledger);
                if choice < 97 {
                    disk.power_cut()
                } else {
                    disk.process_restart()
                }
                (ledger, _) = open(&disk, &settings);
                model = committed.clone();
            }
        }
    }
    model.check(&ledger.reader());
    ledger.verify().expect("it is whole");
}

#[test]
fn ledger_and_model_agree_over_random_histories() {
    // More of them: REDEEMD_LEDGER_SEEDS=1000, in a release build.
    let seeds = std::env::var("REDEEMD_LEDGER_SEEDS").map_or(Ok(12), |seeds| seeds.parse());
    for seed in 0..seeds.expect("a number of seeds") {
        let result = std::panic::catch_unwind(|| live(seed, 80));
        assert!(result.is_ok(), "seed {seed}");
    }
}
