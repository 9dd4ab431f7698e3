//! What a seed decides before anything happens: sizes, limits and how often things go wrong.
//! Everything is small, so that a history of some thousand steps meets every bound.

use redeemd_actors::core::Limits;
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::journal::Engine;

use crate::dice::{Dice as _, Random};

/// The end of a month, in universal time: of January 2027.
const END_OF_MONTH: Timestamp = Timestamp(1_801_440_000_000);

/// The sizes and odds of one history.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) layout: ShardLayout,
    pub(crate) clients: usize,
    /// Whether campaigns have rules; in some histories all are plain.
    pub(crate) has_rules: bool,
    pub(crate) limits: Limits,
    pub(crate) mailbox: usize,
    pub(crate) segment_bytes: u64,
    pub(crate) ledger_file_bytes: u64,
    pub(crate) ledger_portion_bytes: usize,
    pub(crate) index_batch_entries: usize,
    pub(crate) snapshot_entries: u64,
    pub(crate) minimum_free_bytes: u64,
    pub(crate) reserve_bytes: u64,
    pub(crate) faults: Faults,
    /// When it begins: in most histories so late in a month that its end comes.
    pub(crate) beginning: Timestamp,
}

/// Once in how many steps something goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// The power fails between two operations of the disk.
    pub(crate) power_cut: u64,
    /// The power fails in the middle of an operation soon.
    pub(crate) power_off: u64,
    /// The process is killed.
    pub(crate) kill: u64,
    /// A sync fails soon.
    pub(crate) failed_sync: u64,
    /// A write fails soon.
    pub(crate) failed_write: u64,
    /// The disk fills.
    pub(crate) disk_full: u64,
    /// The actor of a sequence panics.
    pub(crate) panic: u64,
    /// The clock is set to another time.
    pub(crate) clock_jump: u64,
}

impl Plan {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let shards = *random.pick(&[1, 2, 2, 4]);
        // Some histories are calm, so that what takes long gets its time, others are not.
        let calm = *random.pick(&[1, 2, 4, 12]);
        let odds = |random: &mut Random, steps: u64| random.between(steps / 2, steps * 2) * calm;
        Self {
            layout: ShardLayout::new(shards).expect("a power of two"),
            clients: random.between(5, 30) as usize,
            has_rules: !random.one_in(5),
            limits: Limits {
                max_in_flight: random.between(3, 40) as usize,
                max_frames: random.between(1, 3) as usize,
                max_frame_bytes: random.between(100, 3_000) as usize,
                max_ledger_lag: random.between(30, 400),
                max_clock_leap_ms: 60_000,
            },
            mailbox: random.between(4, 30) as usize,
            segment_bytes: Engine::SMALLEST_SEGMENT_BYTES,
            ledger_file_bytes: random.between(2, 24) << 10,
            ledger_portion_bytes: random.between(100, 4_000) as usize,
            index_batch_entries: random.between(8, 200) as usize,
            snapshot_entries: random.between(8, 150),
            minimum_free_bytes: 160 << 10,
            reserve_bytes: *random.pick(&[0, 16 << 10]),
            faults: Faults {
                power_cut: odds(random, 2_500),
                power_off: odds(random, 2_500),
                kill: odds(random, 3_000),
                failed_sync: odds(random, 5_000),
                failed_write: odds(random, 6_000),
                disk_full: odds(random, 3_000),
                panic: odds(random, 1_500),
                clock_jump: odds(random, 700),
            },
            beginning: Timestamp(END_OF_MONTH.0 - random.below(120_000)),
        }
    }
}
