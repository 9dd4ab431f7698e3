//! The actor of one sequence, a shard's or the control sequence's: it drives a [`SequenceCore`]
//! and carries out its outputs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Recipient};
use redeemd_domain::machine::Machine;
use redeemd_persistence::ledger::{Batch, KeyHasher};

use crate::clock_watch;
use crate::core::{Answer, Applied, Outputs, Rejection, SequenceCore};
use crate::journal_writer::JournalWriter;
use crate::ledger_keeper::{LedgerKeeper, Listen};
use crate::ledger_record::{self, Keyed};
use crate::messages::{
    Append, BelieveClock, Finish, JournalAnswer, Keep, LedgerCovers, SnapshotDone, Submit,
    TakeSnapshot,
};
use crate::policies::LivePolicies;
use crate::ports::Ports;
use crate::snapshot_keeper::SnapshotKeeper;
use crate::status::{SequenceStatus, Status};
use crate::wall_clock::WallClock;

/// How often a sequence looks at what is not prompted by a message.
const TICK: Duration = Duration::from_millis(500);

/// How often a sequence looks whether something is due.
const DUE_TICK: Duration = Duration::from_millis(100);

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

/// What a sequence's actor works with.
pub struct Surroundings<M: Machine> {
    /// Where answers go.
    pub ports: Ports<M>,
    /// Where frames go.
    pub journal: Addr<JournalWriter>,
    /// Where outcomes go.
    pub ledger: Addr<LedgerKeeper>,
    /// Where states go.
    pub snapshots: Addr<SnapshotKeeper>,
    /// How the ledger's keys are hashed.
    pub hasher: KeyHasher,
    /// What bounds and paces it.
    pub policies: LivePolicies,
    /// What those who run the server see.
    pub status: Arc<Status>,
    /// What time it is.
    pub clock: WallClock,
    /// Called with the state after every change, before any answer leaves.
    pub observe: Arc<dyn Fn(&M) + Send + Sync>,
    /// Told when this actor dies of a panic.
    pub mourner: Recipient<Died>,
}

impl<M: Machine> Clone for Surroundings<M> {
    fn clone(&self) -> Self {
        Self {
            ports: self.ports.clone(),
            journal: self.journal.clone(),
            ledger: self.ledger.clone(),
            snapshots: self.snapshots.clone(),
            hasher: self.hasher,
            policies: self.policies.clone(),
            status: Arc::clone(&self.status),
            clock: self.clock.clone(),
            observe: Arc::clone(&self.observe),
            mourner: self.mourner.clone(),
        }
    }
}

/// Says that the actor of a sequence died of a panic.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Died {
    /// The sequence.
    pub sequence: redeemd_domain::sequence::SequenceId,
}

/// Drives the core of one sequence.
pub struct SequenceActor<M: Machine> {
    core: SequenceCore<M>,
    surroundings: Surroundings<M>,
    outputs: Outputs<M>,
    flush_is_due: bool,
    scratch: Vec<u8>,
    snapshot: SnapshotState,
    is_ending: bool,
}

#[derive(Debug)]
struct SnapshotState {
    /// The entry at which the last one was published.
    published: u64,
    /// The entry at which one is being written.
    under_way: Option<u64>,
    last_taken: Instant,
}

impl<M: Machine> SequenceActor<M>
where
    M::Record: Keyed,
{
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
            snapshot: SnapshotState {
                published: snapshot,
                under_way: None,
                last_taken: Instant::now(),
            },
            is_ending: false,
        }
    }

    /// Does what the core decided. Records go to the ledger before answers leave, so that whoever
    /// got an answer finds what it names as soon as the ledger has worked off what it was sent.
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
        if !self.outputs.answers.is_empty() {
            let answers = std::mem::take(&mut self.outputs.answers);
            let overloaded = |(_, answer): &&(_, Answer<M>)| {
                matches!(answer, Answer::Rejected(Rejection::Overloaded))
            };
            let overloaded = answers.iter().filter(overloaded).count();
            self.status().overloaded.add(overloaded as u64);
            self.surroundings.ports.answer(answers);
        }
        self.show();
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
        let journal_is_large = policy.journal_bytes > 0 && journal_bytes > policy.journal_bytes;
        // An idle sequence moves on when the journal waits for it: its snapshots pin old entries.
        let since = self.snapshot.last_taken.elapsed();
        let is_pinning = journal_is_large
            && self.snapshot.under_way.is_none()
            && self.core.machine().last() == self.snapshot.published
            && since > TICK * 20;
        self.core.advance(now, is_pinning, &mut self.outputs);
        self.carry_out(context);
        clock_watch::look(&self.surroundings.status);
        let changed = self.core.machine().last() - self.snapshot.published;
        let is_due = (policy.entries > 0 && changed >= policy.entries)
            || (!policy.interval.is_zero() && since >= policy.interval)
            || (journal_is_large && since > TICK * 20);
        if is_due && changed > 0 && self.snapshot.under_way.is_none() {
            self.take_snapshot(context);
        }
    }

    fn take_snapshot(&mut self, context: &Context<Self>) {
        self.snapshot.last_taken = Instant::now();
        self.snapshot.under_way = Some(self.core.machine().last());
        let take = TakeSnapshot {
            sequence: self.core.sequence(),
            machine: self.core.machine().clone(),
            reply_to: context.address().recipient(),
        };
        if self.surroundings.snapshots.try_send(take).is_err() {
            self.snapshot.under_way = None;
        }
    }
}

impl<M: Machine> Actor for SequenceActor<M>
where
    M::Record: Keyed,
{
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

#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

impl<M: Machine> Handler<Submit<M>> for SequenceActor<M>
where
    M::Record: Keyed,
{
    type Result = ();

    fn handle(&mut self, mut submit: Submit<M>, context: &mut Self::Context) {
        let now = self.surroundings.clock.now();
        while let Some(submission) = submit.next_submission() {
            self.core.submit(submission, now, &mut self.outputs);
        }
        self.carry_out(context);
        // A notification comes after everything that is in the mailbox by now, so that all of it
        // goes into one frame.
        if !std::mem::replace(&mut self.flush_is_due, true) {
            context.notify(Flush);
        }
    }
}

impl<M: Machine> Handler<Flush> for SequenceActor<M>
where
    M::Record: Keyed,
{
    type Result = ();

    fn handle(&mut self, _: Flush, context: &mut Self::Context) {
        self.flush_is_due = false;
        self.core.flush(&mut self.outputs);
        self.carry_out(context);
    }
}

impl<M: Machine> Handler<JournalAnswer> for SequenceActor<M>
where
    M::Record: Keyed,
{
    type Result = ();

    fn handle(&mut self, answer: JournalAnswer, context: &mut Self::Context) {
        match answer {
            JournalAnswer::Committed(ticket) => self.core.committed(ticket, &mut self.outputs),
            JournalAnswer::NotAppended(ticket) => {
                self.core.not_appended(ticket, &mut self.outputs);
            }
            JournalAnswer::Unknown => self.core.unknown(&mut self.outputs),
            JournalAnswer::DiskHasSpace => self.core.disk_has_space(),
        }
        self.carry_out(context);
    }
}

impl<M: Machine> Handler<LedgerCovers> for SequenceActor<M>
where
    M::Record: Keyed,
{
    type Result = ();

    fn handle(&mut self, covers: LedgerCovers, _: &mut Self::Context) {
        self.core.ledger_covers(covers.through);
    }
}

impl<M: Machine> Handler<SnapshotDone> for SequenceActor<M>
where
    M::Record: Keyed,
{
    type Result = ();

    fn handle(&mut self, done: SnapshotDone, _: &mut Self::Context) {
        self.snapshot.under_way = None;
        if let Some(published) = done.published {
            self.snapshot.published = published;
        }
    }
}

impl<M: Machine> Handler<BelieveClock> for SequenceActor<M>
where
    M::Record: Keyed,
{
    type Result = usize;

    fn handle(&mut self, _: BelieveClock, _: &mut Self::Context) -> usize {
        let leap = self.core.believe_clock(self.surroundings.clock.now());
        self.show();
        leap.into_iter().count()
    }
}

impl<M: Machine> Handler<Finish> for SequenceActor<M>
where
    M::Record: Keyed,
{
    type Result = ();

    fn handle(&mut self, _: Finish, context: &mut Self::Context) {
        self.is_ending = true;
        // The next start has nothing to replay then.
        if self.core.machine().last() > self.snapshot.published && self.snapshot.under_way.is_none()
        {
            self.take_snapshot(context);
        }
        context.stop();
    }
}
