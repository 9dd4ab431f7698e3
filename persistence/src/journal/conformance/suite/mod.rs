//! The tests, once for every engine.

mod appending;
mod damage;
mod failures;
mod releasing;

use super::engines::{Memory, Segment, Sled};
use crate::journal::options::Preparation;
use appending::*;
use damage::*;
use failures::*;
use releasing::*;

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
