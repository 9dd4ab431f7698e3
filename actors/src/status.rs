//! What the actors tell those who run the server: counters and states, read by metrics and health.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redeemd_domain::sequence::SequenceId;

use crate::wall_clock::seconds_since_1970;

/// A number that only grows, or a state that is set; read without any lock.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    /// Adds to it.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Takes from it what was added before.
    pub fn subtract(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    /// Sets it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Reads it.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// When something happened last, on the clock that nobody can set.
#[derive(Debug)]
pub struct Since(Mutex<Instant>);

impl Default for Since {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Since {
    /// It happens now.
    pub fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long ago that was.
    pub fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// The upper bounds of [`Durations`], in microseconds; a last bucket has no bound.
pub const DURATION_BOUNDS_MICROSECONDS: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    10_000_000,
];

/// How long something took, counted in buckets.
#[derive(Debug, Default)]
pub struct Durations {
    buckets: [AtomicU64; DURATION_BOUNDS_MICROSECONDS.len() + 1],
    sum_microseconds: AtomicU64,
}

impl Durations {
    /// Counts one.
    pub fn observe(&self, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let place = DURATION_BOUNDS_MICROSECONDS.partition_point(|&bound| bound < microseconds);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// The counts of the buckets, each for itself.
    pub fn buckets(&self) -> [u64; DURATION_BOUNDS_MICROSECONDS.len() + 1] {
        std::array::from_fn(|place| self.buckets[place].load(Ordering::Relaxed))
    }

    /// The sum of all that was counted, in microseconds.
    pub fn sum_microseconds(&self) -> u64 {
        self.sum_microseconds.load(Ordering::Relaxed)
    }
}

/// What one sequence is doing.
#[derive(Debug, Default)]
pub struct SequenceStatus {
    /// The last entry that was applied.
    pub applied: Number,
    /// Outcomes that changed something, since the process began.
    pub changes: Number,
    /// How far the ledger durably has it.
    pub covered: Number,
    /// Commands that wait for the journal.
    pub in_flight: Number,
    /// Records of keyed requests that are remembered.
    pub remembered: Number,
    /// Uses of codes that are held for users.
    pub held: Number,
    /// The entry of the newest snapshot.
    pub snapshot: Number,
    /// When that one was published, or this node started, in seconds since 1970.
    pub snapshot_at: Number,
    /// The same moment, for its age: a clock that leaps makes no snapshot old.
    pub snapshot_since: Since,
    /// The bytes that it takes; 0 where it was written before this node started.
    pub snapshot_bytes: Number,
    /// Whether the last attempt to write one failed.
    pub snapshot_failed: AtomicBool,
    /// Messages with questions in the mailbox, the one that is being worked on included.
    pub waiting: Arc<Number>,
    /// Commands refused because there was more to do than fits.
    pub overloaded: Number,
    /// How often the actor was rebuilt after a panic.
    pub rebuilt: Number,
    /// Claims on uses of users of which it is not known what became of them.
    pub claims_pending: Number,
    /// When the oldest of them was made, in milliseconds since 1970; 0 when there is none.
    pub oldest_claim_at: Number,
    /// Uses that it owes to users whom other shards count.
    pub owed: Number,
    /// Whether it cannot be reached, because it could not be rebuilt.
    pub is_down: AtomicBool,
    /// Whether a leap of the clock keeps it from changing anything.
    pub clock_leapt: AtomicBool,
    /// How far the wall clock is behind its stamps, which stay where they are meanwhile, in
    /// milliseconds.
    pub clock_behind_ms: Number,
}

impl SequenceStatus {
    /// The newest snapshot is now at this entry.
    pub fn has_snapshot(&self, number: u64) {
        self.snapshot.set(number);
        self.snapshot_at.set(seconds_since_1970());
        self.snapshot_since.begin();
    }
}

/// What the node is doing.
#[derive(Debug, Default)]
pub struct Status {
    /// By sequence, the control sequence first.
    pub sequences: Vec<SequenceStatus>,
    /// How many entries the ledger may be behind a sequence.
    pub max_ledger_lag: Number,
    /// Frames that wait for the journal's next flush.
    pub journal_waiting: Number,
    /// Flushes of the journal.
    pub flushes: Durations,
    /// Entries that were flushed.
    pub flushed_entries: Number,
    /// Bytes that were flushed.
    pub flushed_bytes: Number,
    /// Bytes that the journal takes on its disk.
    pub journal_bytes: Number,
    /// Commits of the ledger.
    pub ledger_commits: Durations,
    /// Batches of outcomes that wait for the ledger.
    pub ledger_waiting: Number,
    /// Snapshots that were written.
    pub snapshots: Durations,
    /// Snapshots that could not be written.
    pub failed_snapshots: Number,
    /// Whether a backup is being taken, so that the journal deletes nothing.
    pub journal_is_leased: AtomicBool,
    /// Whether the ledger waits for room on its disk, so that nothing can be changed.
    pub ledger_waits_for_room: AtomicBool,
    /// Whether the disk is full or cannot be used, so that nothing can be changed.
    pub disk_is_full: AtomicBool,
    /// Whether so much waits to be copied elsewhere that nothing can be changed.
    pub backlog_is_full: AtomicBool,
    /// Whether the log has said that the clock is behind; see [`crate::clock_watch`].
    pub(crate) clock_is_behind: AtomicBool,
    /// Why the disk cannot be used, where it is not just full.
    disk_failure: Mutex<Option<String>>,
    /// How often a shard was granted more of a campaign's total.
    pub share_grants: Number,
    /// How often a shard was told to give back what it had left of one.
    pub share_recalls: Number,
    /// How often it had to be asked what became of a claim, because nobody told.
    pub claims_resolved: Number,
    /// Why the node cannot go on, once it cannot.
    fatal: Mutex<Option<String>>,
}

impl Status {
    /// A node with so many sequences, the control sequence included.
    pub fn new(sequences: usize) -> Self {
        let sequences = (0..sequences).map(|_| SequenceStatus::default()).collect();
        Self { sequences, ..Self::default() }
    }

    /// What one sequence is doing.
    pub fn sequence(&self, sequence: SequenceId) -> Option<&SequenceStatus> {
        self.sequences.get(sequence.index())
    }

    /// Why the disk cannot be used, where it is not just full.
    pub fn disk_failure(&self) -> Option<String> {
        self.disk_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says why the disk cannot be used, or that it can be.
    pub(crate) fn set_disk_failure(&self, reason: Option<String>) {
        *self.disk_failure.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Uses of codes that are held for users, over all shards.
    pub fn held(&self) -> u64 {
        self.sequences.iter().map(|sequence| sequence.held.get()).sum()
    }

    /// Why the node cannot go on, if so.
    pub fn fatal(&self) -> Option<String> {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says why the node cannot go on; the first reason stays.
    pub fn set_fatal(&self, reason: String) {
        let mut fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner);
        fatal.get_or_insert(reason);
    }
}
