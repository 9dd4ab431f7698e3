//! The simulator: whole histories of a node, decided by one seed each.
//!
//! It drives the real parts (the cores of the sequences, the segment journal, the ledger, the
//! snapshots, the recovery) on a disk that forgets, tears and fails, and takes the place of the
//! actors' messages with a scheduler that delays and reorders what may be delayed and reordered.
//! Clients with few codes collide, repeat themselves and lose connections; an oracle knows every
//! answer ever given and what must be true after any crash.
//!
//! - `REDEEMD_SIMULATOR_SEEDS`: how many seeds, from 1 (1000);
//! - `REDEEMD_SIMULATOR_STEPS`: how many steps of each (10000);
//! - `REDEEMD_SIMULATOR_SEED`: one seed alone.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where something is not as it should be, and says what it found"
)]

mod attempts;
mod clients;
mod dice;
mod oracle;
mod plan;
mod probing;
mod run;
mod scheduler;
mod simulation;
mod station;
mod trace;
mod world;

use run::{Campaign, history};

#[test]
fn the_simulator_finds_every_history_sound() {
    Campaign::from_environment().run();
}

#[test]
fn the_simulator_repeats_a_seed_exactly() {
    for seed in [3, 0x5eed] {
        let one = history(seed, 3_000).unwrap_or_else(|failure| panic!("{failure}"));
        let two = history(seed, 3_000).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(one.digest(), two.digest(), "seed {seed} has two histories");
        assert_eq!(one.counts(), two.counts());
    }
}
