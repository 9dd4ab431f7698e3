//! Which of the things that could happen next happens. It knows the world's parts by name and
//! nothing of what they do.

use crate::dice::{Dice as _, Random};
use crate::world::World;

/// Lets something happen between the parts. Clients act elsewhere; `false` when the draw fell on
/// what has nothing to do.
pub(crate) fn step(world: &mut World, random: &mut Random) -> bool {
    if !world.is_ready && random.one_in(3) {
        return hurry(world);
    }
    let sequence = world.any_sequence();
    match random.below(88) {
        0..=17 => world.deliver(sequence),
        18..=27 => world.flush(sequence),
        28..=37 => world.write_journal(),
        38..=51 => world.hear_journal(sequence),
        52..=59 => world.keep(sequence),
        60..=61 => world.commit_ledger(),
        62..=64 => world.hear_cover(sequence),
        65..=66 => world.tell_keeper(sequence),
        67..=70 => {
            world.tick(sequence);
            true
        }
        71..=73 => world.write_snapshot(sequence),
        74..=75 => world.hear_snapshot(sequence),
        76 => {
            let milliseconds = random.between(1, 400);
            world.pass(milliseconds);
            true
        }
        77 => {
            world.look_at_disk();
            true
        }
        78 => world.go_on_spreading(),
        80..=86 => world.keep_books(),
        87 => world.repeat_message(),
        _ => world.go_on_rebuilding(),
    }
}

/// What a start has to make up for is done sooner than other things, so that there is time for them.
fn hurry(world: &mut World) -> bool {
    let mut has_happened = world.keep_books();
    for sequence in world.sequences() {
        has_happened |= world.deliver(sequence);
    }
    has_happened
}

/// Lets everything happen once that is under way, in order.
pub(crate) fn drain(world: &mut World) {
    world.keep_books();
    while world.go_on_spreading() {}
    while world.go_on_rebuilding() {}
    for sequence in world.sequences() {
        while world.deliver(sequence) {}
        world.flush(sequence);
    }
    for _ in 0..8 {
        world.write_journal();
    }
    for sequence in world.sequences() {
        while world.hear_journal(sequence) {}
        while world.keep(sequence) {}
    }
    world.look_at_disk();
    world.commit_ledger();
    for sequence in world.sequences() {
        while world.hear_cover(sequence) {}
        while world.tell_keeper(sequence) {}
        world.tick(sequence);
        while world.write_snapshot(sequence) {}
        while world.hear_snapshot(sequence) {}
    }
}
