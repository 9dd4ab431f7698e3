//! The snapshot keeper: writes states to disk, publishes them when the ledger covers them, and
//! then lets the journal go.
//!
//! A state shares its memory with the living one until that is written to, so taking it stops no
//! shard; encoding and writing it happens here, on a thread of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix::{Actor, ActorContext, Addr, Context, Handler, Recipient};
use redeemd_domain::machine::Machine;
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::snapshot::{self, Draft, Snapshots};

use crate::journal_writer::JournalWriter;
use crate::messages::{Finish, LedgerCovers, Release, SnapshotDone, TakeSnapshot};
use crate::status::Status;

/// Owns the snapshots.
pub struct SnapshotKeeper {
    snapshots: Snapshots,
    journal: Addr<JournalWriter>,
    covered: HashMap<SequenceId, u64>,
    waiting: HashMap<SequenceId, (Draft, Recipient<SnapshotDone>)>,
    status: Arc<Status>,
}

impl SnapshotKeeper {
    /// The keeper of a directory's snapshots.
    pub fn new(snapshots: Snapshots, journal: Addr<JournalWriter>, status: Arc<Status>) -> Self {
        Self { snapshots, journal, covered: HashMap::new(), waiting: HashMap::new(), status }
    }

    fn write<M: Machine>(&self, sequence: SequenceId, machine: &M) -> snapshot::Result<Draft> {
        self.snapshots.write(sequence, machine.last(), |write| machine.encode(write))
    }

    /// Publishes the draft that waits for the ledger, if the ledger has come so far.
    fn publish_if_covered(&mut self, sequence: SequenceId) {
        let covered = self.covered.get(&sequence).copied().unwrap_or(0);
        let Some((draft, reply_to)) = self.waiting.remove(&sequence) else { return };
        if draft.number() > covered {
            self.waiting.insert(sequence, (draft, reply_to));
            return;
        }
        let (number, bytes) = (draft.number(), draft.bytes());
        let published = draft.publish().and_then(|()| self.snapshots.prune(sequence));
        match published {
            Ok(release) => {
                tracing::debug!(%sequence, number, "snapshot published");
                if let Some(status) = self.status.sequence(sequence) {
                    status.has_snapshot(number);
                    status.snapshot_bytes.set(bytes);
                    status.snapshot_failed.store(false, Ordering::Relaxed);
                }
                reply_to.do_send(SnapshotDone { published: Some(number) });
                if let Some(through) = release {
                    self.journal.do_send(Release { sequence, through });
                }
            }
            Err(error) => self.failed(sequence, &error, &reply_to),
        }
    }

    /// A snapshot that fails costs nothing but a longer replay: the journal keeps its entries.
    fn failed(
        &self,
        sequence: SequenceId,
        error: &snapshot::Error,
        reply_to: &Recipient<SnapshotDone>,
    ) {
        tracing::error!(%sequence, %error, "snapshot failed");
        self.status.failed_snapshots.add(1);
        if let Some(status) = self.status.sequence(sequence) {
            status.snapshot_failed.store(true, Ordering::Relaxed);
        }
        reply_to.do_send(SnapshotDone { published: None });
    }
}

impl Actor for SnapshotKeeper {
    type Context = Context<Self>;
}

impl<M: Machine> Handler<TakeSnapshot<M>> for SnapshotKeeper {
    type Result = ();

    fn handle(&mut self, take: TakeSnapshot<M>, _: &mut Self::Context) {
        let TakeSnapshot { sequence, machine, reply_to } = take;
        let begun = Instant::now();
        match self.write(sequence, &machine) {
            Ok(draft) => {
                self.status.snapshots.observe(begun.elapsed());
                self.waiting.insert(sequence, (draft, reply_to));
                self.publish_if_covered(sequence);
            }
            Err(error) => self.failed(sequence, &error, &reply_to),
        }
    }
}

impl Handler<LedgerCovers> for SnapshotKeeper {
    type Result = ();

    fn handle(&mut self, covers: LedgerCovers, _: &mut Self::Context) {
        let covered = self.covered.entry(covers.sequence).or_default();
        *covered = covers.through.max(*covered);
        self.publish_if_covered(covers.sequence);
    }
}

impl Handler<Finish> for SnapshotKeeper {
    type Result = ();

    fn handle(&mut self, _: Finish, context: &mut Self::Context) {
        context.stop();
    }
}
