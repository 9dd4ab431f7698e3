//! The actor of one sequence, a shard's or the control sequence's: it drives a [`SequenceCore`]
//! and carries out its outputs.

mod handlers;
mod snapshots;
mod surroundings;

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context};
use redeemd_domain::machine::Machine;
use redeemd_persistence::ledger::Batch;

use crate::clock_watch;
use crate::core::{Answer, Applied, Outputs, Rejection, SequenceCore};
use crate::ledger_keeper::Listen;
use crate::ledger_record;
use crate::messages::{Append, Keep};
use crate::sequenced::Sequenced;
use crate::status::SequenceStatus;
pub use snapshots::SnapshotPolicy;
use snapshots::Snapshots;
pub use surroundings::{Died, Surroundings};

/// How often a sequence looks at what is not prompted by a message.
const TICK: Duration = Duration::from_millis(500);

/// How often a sequence looks whether something is due.
const DUE_TICK: Duration = Duration::from_millis(100);

/// Drives the core of one sequence.
pub struct SequenceActor<M: Machine> {
    core: SequenceCore<M>,
    surroundings: Surroundings<M>,
    outputs: Outputs<M>,
    flush_is_due: bool,
    scratch: Vec<u8>,
    snapshots: Snapshots,
    is_ending: bool,
}

impl<M: Sequenced> SequenceActor<M> {
    /// The actor of a core whose newest snapshot is at `snapshot`.
    pub fn new(core: SequenceCore<M>, snapshot: u64, surroundings: Surroundings<M>) -> Self {
        if let Some(status) = surroundings.status.sequence(core.sequence()) {
            status.has_snapshot(snapshot);
            status.covered.set(core.covered());
        }
        Self {
            core,
            surroundings,
            outputs: Outputs::default(),
            flush_is_due: false,
            scratch: Vec::new(),
            snapshots: Snapshots::new(snapshot),
            is_ending: false,
        }
    }

    /// Does what the core decided. Records go to the ledger before answers leave, so that whoever
    /// got an answer finds what it names as soon as the ledger has worked off what it was sent. The
    /// status is shown before, too: whoever got an answer finds in it what the answer follows from.
    fn carry_out(&mut self, context: &Context<Self>) {
        for frame in self.outputs.frames.drain(..) {
            let reply_to = context.address().recipient();
            let append = Append { sequence: self.core.sequence(), frame, reply_to };
            // Past the bound of the writer's mailbox: the core bounds its frames itself.
            self.surroundings.journal.do_send(append);
        }
        if !self.outputs.applied.is_empty() {
            (self.surroundings.observe)(self.core.machine());
            for applied in std::mem::take(&mut self.outputs.applied) {
                self.keep(&applied);
            }
        }
        self.show();
        if !self.outputs.answers.is_empty() {
            let answers = std::mem::take(&mut self.outputs.answers);
            let overloaded = |(_, answer): &&(_, Answer<M>)| {
                matches!(answer, Answer::Rejected(Rejection::Overloaded))
            };
            let overloaded = answers.iter().filter(overloaded).count();
            self.status().overloaded.add(overloaded as u64);
            self.surroundings.ports.answer(answers);
        }
    }

    fn keep(&mut self, applied: &Applied<M>) {
        let sequence = self.core.sequence();
        let mut batch = Batch::new(sequence, applied.first, self.surroundings.hasher);
        for record in &applied.records {
            if let Err(error) = ledger_record::push(record.as_ref(), &mut batch, &mut self.scratch)
            {
                tracing::error!(%sequence, %error, "an outcome does not fit the ledger");
            }
        }
        batch.cover(applied.last);
        self.status().changes.add(applied.records.len() as u64);
        // Past the bound of the keeper's mailbox: the core bounds how far the ledger may be behind.
        self.surroundings.status.ledger_waiting.add(1);
        self.surroundings.ledger.do_send(Keep(batch));
    }

    fn status(&self) -> &SequenceStatus {
        static NOBODY: std::sync::OnceLock<SequenceStatus> = std::sync::OnceLock::new();
        let known = self.surroundings.status.sequence(self.core.sequence());
        known.unwrap_or_else(|| NOBODY.get_or_init(SequenceStatus::default))
    }

    fn show(&self) {
        let status = self.status();
        status.applied.set(self.core.machine().last());
        status.in_flight.set(self.core.in_flight() as u64);
        status.remembered.set(self.core.machine().remembered() as u64);
        status.held.set(self.core.machine().held());
        let unfinished = self.core.machine().unfinished();
        status.claims_pending.set(unfinished.claims as u64);
        status.oldest_claim_at.set(unfinished.oldest_claim.map_or(0, |at| at.0));
        status.owed.set(unfinished.owed as u64);
        status.clock_leapt.store(self.core.leap().is_some(), Ordering::Relaxed);
        status.clock_behind_ms.set(self.core.clock_behind_ms());
    }

    fn tick(&mut self, context: &Context<Self>) {
        let now = self.surroundings.clock.now();
        let policies = self.surroundings.policies.current();
        self.core.set_limits(policies.limits);
        self.surroundings.status.max_ledger_lag.set(policies.limits.max_ledger_lag);
        let policy = policies.snapshots;
        let journal_bytes = self.surroundings.status.journal_bytes.get();
        let are_pinning =
            self.snapshots.are_pinning(policy, journal_bytes, self.core.machine().last());
        self.core.advance(now, are_pinning, &mut self.outputs);
        self.carry_out(context);
        clock_watch::look(&self.surroundings.status);
        if self.snapshots.is_due(policy, journal_bytes, self.core.machine().last()) {
            self.take_snapshot(context);
        }
    }
}

impl<M: Sequenced> Actor for SequenceActor<M> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let sequence = self.core.sequence();
        let to_self = Listen { sequence, listener: context.address().recipient() };
        self.surroundings.ledger.do_send(to_self);
        let listener = self.surroundings.snapshots.clone().recipient();
        self.surroundings.ledger.do_send(Listen { sequence, listener });
        context.run_interval(TICK, |actor, context| actor.tick(context));
        context.run_interval(DUE_TICK, |actor, context| {
            let now = actor.surroundings.clock.now();
            actor.core.carry_out_what_is_due(now, &mut actor.outputs);
            actor.carry_out(context);
        });
        self.show();
    }
}

impl<M: Machine> Drop for SequenceActor<M> {
    /// An actor that is dropped without having been told to end died of a panic. What it was asked
    /// may have been carried out or not.
    fn drop(&mut self) {
        if self.is_ending {
            return;
        }
        self.core.unknown(&mut self.outputs);
        self.surroundings.ports.answer(std::mem::take(&mut self.outputs.answers));
        self.surroundings.mourner.do_send(Died { sequence: self.core.sequence() });
    }
}
