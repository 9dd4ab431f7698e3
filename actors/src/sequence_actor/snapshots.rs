//! When a sequence has a snapshot of its state taken.

use std::time::{Duration, Instant};

use actix::{AsyncContext, Context};

use super::SequenceActor;
use crate::messages::TakeSnapshot;
use crate::sequenced::Sequenced;

/// How long after one snapshot a journal that is too large calls for the next.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(10);

/// When a sequence has a snapshot taken: at the first of the three; 0 switches one off.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotPolicy {
    /// After so many entries.
    pub entries: u64,
    /// After so long, when anything has changed.
    pub interval: Duration,
    /// When the journal takes so many bytes.
    pub journal_bytes: u64,
}

/// The snapshots of a sequence.
#[derive(Debug)]
pub(super) struct Snapshots {
    /// The entry at which the last one was published.
    pub(super) published: u64,
    /// The entry at which one is being written.
    pub(super) under_way: Option<u64>,
    last_taken: Instant,
}

impl Snapshots {
    /// The last one is of this entry.
    pub(super) fn new(published: u64) -> Self {
        Self { published, under_way: None, last_taken: Instant::now() }
    }

    /// Whether a sequence with nothing to write a snapshot of has to move on: the journal is too
    /// large, and waits for its snapshots before it deletes old entries.
    pub(super) fn are_pinning(
        &self,
        policy: SnapshotPolicy,
        journal_bytes: u64,
        last: u64,
    ) -> bool {
        self.under_way.is_none()
            && last == self.published
            && self.is_for_the_journal(policy, journal_bytes)
    }

    /// Whether one of the last entry is to be taken.
    pub(super) fn is_due(&self, policy: SnapshotPolicy, journal_bytes: u64, last: u64) -> bool {
        let changed = last - self.published;
        let is_due = (policy.entries > 0 && changed >= policy.entries)
            || (!policy.interval.is_zero() && self.last_taken.elapsed() >= policy.interval)
            || self.is_for_the_journal(policy, journal_bytes);
        is_due && changed > 0 && self.under_way.is_none()
    }

    fn is_for_the_journal(&self, policy: SnapshotPolicy, journal_bytes: u64) -> bool {
        let is_large = policy.journal_bytes > 0 && journal_bytes > policy.journal_bytes;
        is_large && self.last_taken.elapsed() > JOURNAL_PATIENCE
    }
}

impl<M: Sequenced> SequenceActor<M> {
    pub(super) fn take_snapshot(&mut self, context: &Context<Self>) {
        self.snapshots.last_taken = Instant::now();
        self.snapshots.under_way = Some(self.core.machine().last());
        let take = TakeSnapshot {
            sequence: self.core.sequence(),
            machine: self.core.machine().clone(),
            reply_to: context.address().recipient(),
        };
        if self.surroundings.snapshots.try_send(take).is_err() {
            self.snapshots.under_way = None;
        }
    }
}
