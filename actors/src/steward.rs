//! The steward: starts the sequences' actors, and rebuilds one that panicked from its snapshot and
//! the journal, so that a bug that one request meets does not take the others' shard away.
//!
//! actix ends an actor that panics and leaves its thread alone; its supervisor does not bring the
//! actor back. So a dying [`SequenceActor`] sends word here.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorFutureExt, Addr, ArbiterHandle, Context, Handler, ResponseActFuture, WrapFuture,
};
use redeemd_domain::control::Control;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Command, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::journal::Reader;
use redeemd_persistence::ledger::{Batch, LedgerReader};
use redeemd_persistence::snapshot::Snapshots;

use crate::core::{Answer, SequenceCore};
use crate::directory::Directory;
use crate::journal_writer::{Fence, JournalWriter};
use crate::ledger_keeper::{LedgerKeeper, Settled};
use crate::messages::{BelieveClock, Finish, Keep};
use crate::node::{NodeOptions, place_in, start_on};
use crate::port::Port;
use crate::recovery::RecoveredMachine;
use crate::replay::Replay;
use crate::sequence_actor::{Died, SequenceActor, Surroundings};
use crate::sequenced::Sequenced;
use crate::status::Status;

/// A sequence that dies so often within [`PATIENCE`] is left down: what it meets will not go away.
const MOST_DEATHS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a shard that takes nothing is left alone before it is told again.
const AGAIN: Duration = Duration::from_millis(50);

/// All sequences of one kind of machine.
pub struct Household<M: Sequenced> {
    /// Where they are reached.
    pub directory: Directory<M>,
    /// What they work with.
    pub surroundings: Surroundings<M>,
    /// The first of them.
    pub first: SequenceId,
    /// The threads that run them.
    pub arbiters: Vec<ArbiterHandle>,
}

impl<M: Sequenced> Clone for Household<M> {
    fn clone(&self) -> Self {
        Self {
            directory: self.directory.clone(),
            surroundings: self.surroundings.clone(),
            first: self.first,
            arbiters: self.arbiters.clone(),
        }
    }
}

impl<M: Sequenced> Household<M> {
    fn start(
        &self,
        sequence: SequenceId,
        recovered: RecoveredMachine<M>,
        options: &NodeOptions,
        covered: u64,
    ) -> Option<Addr<SequenceActor<M>>> {
        let place = place_in(self, sequence);
        let arbiter = self.arbiters.get(place % self.arbiters.len().max(1))?;
        let RecoveredMachine { machine, snapshot } = recovered;
        let limits = self.surroundings.policies.current().limits;
        let core = SequenceCore::new(sequence, machine, covered, limits);
        let actor = SequenceActor::new(core, snapshot, self.surroundings.clone());
        let address = start_on(arbiter, actor, options.mailbox_capacity);
        self.directory.set(place, Some(address.clone().recipient()));
        Some(address)
    }
}

/// Watches over all sequences.
pub struct Steward {
    shards: Household<Shard>,
    control: Household<Control>,
    options: NodeOptions,
    layout: ShardLayout,
    snapshots: Snapshots,
    ledger: LedgerReader,
    journal_writer: Addr<JournalWriter>,
    ledger_keeper: Addr<LedgerKeeper>,
    deaths: HashMap<SequenceId, Vec<Instant>>,
    living_shards: HashMap<SequenceId, Addr<SequenceActor<Shard>>>,
    living_control: Option<Addr<SequenceActor<Control>>>,
    is_ending: bool,
}

impl Steward {
    /// A steward of these households.
    pub fn new(
        shards: Household<Shard>,
        control: Household<Control>,
        options: NodeOptions,
        layout: ShardLayout,
        snapshots: Snapshots,
        ledger: LedgerReader,
        (journal_writer, ledger_keeper): (Addr<JournalWriter>, Addr<LedgerKeeper>),
    ) -> Self {
        Self {
            shards,
            control,
            options,
            layout,
            snapshots,
            ledger,
            journal_writer,
            ledger_keeper,
            deaths: HashMap::new(),
            living_shards: HashMap::new(),
            living_control: None,
            is_ending: false,
        }
    }
}

impl Steward {
    /// Starts every sequence with what was brought back.
    pub fn bring_up(
        &mut self,
        shards: Vec<RecoveredMachine<Shard>>,
        control: RecoveredMachine<Control>,
    ) {
        for (shard, recovered) in (0..).zip(shards) {
            self.start_shard(SequenceId::shard(shard), recovered);
        }
        self.start_control(control);
    }

    fn start_shard(&mut self, sequence: SequenceId, recovered: RecoveredMachine<Shard>) {
        let covered = self.ledger.durable(sequence);
        if let Some(address) = self.shards.start(sequence, recovered, &self.options, covered) {
            self.living_shards.insert(sequence, address);
        }
    }

    /// As at the start of a server: a change that was journaled when the control sequence's actor
    /// died may not have reached the shards, and nobody else would tell them.
    fn start_control_again(&mut self, recovered: RecoveredMachine<Control>) {
        let all: Vec<_> = recovered.machine.campaigns().map(|campaign| campaign.terms()).collect();
        self.start_control(recovered);
        let household = &self.shards;
        let places = household.directory.len();
        let port = Port::open(&household.surroundings.ports, &household.directory, places.max(1));
        let tell = async move {
            for terms in all {
                for place in 0..places {
                    // A shard that knows the revision ignores it.
                    while !matches!(
                        port.perform(place, Command::put(terms.clone())).await,
                        Answer::Outcome(_)
                    ) {
                        actix::clock::sleep(AGAIN).await;
                    }
                }
            }
        };
        actix::spawn(tell);
    }

    fn start_control(&mut self, recovered: RecoveredMachine<Control>) {
        let covered = self.ledger.durable(SequenceId::CONTROL);
        (self.control.surroundings.observe)(&recovered.machine);
        self.living_control =
            self.control.start(SequenceId::CONTROL, recovered, &self.options, covered);
    }

    /// Whether a sequence has died too often to be rebuilt once more.
    fn is_hopeless(&mut self, sequence: SequenceId) -> bool {
        let deaths = self.deaths.entry(sequence).or_default();
        deaths.retain(|death| death.elapsed() < PATIENCE);
        deaths.push(Instant::now());
        deaths.len() > MOST_DEATHS
    }

    fn give_up(&self, sequence: SequenceId, reason: &str) {
        tracing::error!(%sequence, reason, "the sequence stays down; restart the server");
        if let Some(status) = self.shards.surroundings.status.sequence(sequence) {
            status.is_down.store(true, Ordering::Relaxed);
        }
    }

    fn rebuilt<M: Sequenced>(
        &mut self,
        sequence: SequenceId,
        rebuilt: Result<RecoveredMachine<M>, String>,
        start: impl FnOnce(&mut Self, RecoveredMachine<M>),
    ) {
        match rebuilt {
            Ok(recovered) => {
                tracing::warn!(%sequence, last = recovered.machine.last(), "rebuilt after a panic");
                if let Some(status) = self.shards.surroundings.status.sequence(sequence) {
                    status.rebuilt.add(1);
                }
                start(self, recovered);
            }
            Err(reason) => self.give_up(sequence, &reason),
        }
    }
}

/// Everything that rebuilding needs, so that it can be done on another thread.
struct Rebuilding {
    sequence: SequenceId,
    layout: ShardLayout,
    snapshots: Snapshots,
    ledger: LedgerReader,
    journal_writer: Addr<JournalWriter>,
    ledger_keeper: Addr<LedgerKeeper>,
    status: Arc<Status>,
}

impl Rebuilding {
    async fn run<M: Sequenced>(self) -> Result<RecoveredMachine<M>, String> {
        // Both answer after whatever the dead actor had sent them.
        let fence = self.journal_writer.send(Fence { sequence: self.sequence });
        let reader = fence.await.map_err(|error| error.to_string())??;
        self.ledger_keeper.send(Settled).await.map_err(|error| error.to_string())?;
        let rebuild = move || {
            catch_unwind(AssertUnwindSafe(|| self.replay::<M>(reader)))
                .unwrap_or_else(|_| Err("it panics when it is replayed".to_owned()))
        };
        let handle = tokio::task::spawn_blocking(rebuild);
        handle.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    fn replay<M: Sequenced>(
        &self,
        mut reader: Box<dyn Reader>,
    ) -> Result<RecoveredMachine<M>, String> {
        let Self { sequence, layout, .. } = *self;
        let (durable, appended) = (self.ledger.durable(sequence), self.ledger.appended(sequence));
        let hasher = self.ledger.key_hasher();
        let replay =
            Replay::<M>::begin(&self.snapshots, layout, sequence, durable, appended, hasher);
        let mut replay = replay.map_err(|error| error.to_string())?;
        let snapshot = replay.snapshot();
        let mut keep = |batch: &Batch| {
            self.status.ledger_waiting.add(1);
            self.ledger_keeper.do_send(Keep(batch.clone()));
            Ok(())
        };
        reader
            .read(sequence, snapshot, &mut |frame| replay.frame(&frame, &mut keep))
            .map_err(|error| error.to_string())?;
        let machine = replay.finish(&mut keep)?;
        Ok(RecoveredMachine { machine, snapshot })
    }
}

impl Actor for Steward {
    type Context = Context<Self>;
}

impl Handler<Died> for Steward {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, died: Died, _: &mut Self::Context) -> Self::Result {
        let sequence = died.sequence;
        if self.is_ending {
            return Box::pin(actix::fut::ready(()));
        }
        tracing::error!(%sequence, "the actor of a sequence panicked");
        let is_hopeless = self.is_hopeless(sequence);
        let rebuilding = Rebuilding {
            sequence,
            layout: self.layout,
            snapshots: self.snapshots.clone(),
            ledger: self.ledger.clone(),
            journal_writer: self.journal_writer.clone(),
            ledger_keeper: self.ledger_keeper.clone(),
            status: Arc::clone(&self.shards.surroundings.status),
        };
        if sequence == SequenceId::CONTROL {
            self.control.directory.set(0, None);
        } else {
            self.shards.directory.set(place_in(&self.shards, sequence), None);
        }
        if is_hopeless {
            self.give_up(sequence, "it panicked again and again");
            return Box::pin(actix::fut::ready(()));
        }
        if sequence == SequenceId::CONTROL {
            let rebuilt = rebuilding.run::<Control>().into_actor(self);
            Box::pin(rebuilt.map(move |rebuilt, steward, _| {
                steward.rebuilt(sequence, rebuilt, Self::start_control_again);
            }))
        } else {
            let rebuilt = rebuilding.run::<Shard>().into_actor(self);
            Box::pin(rebuilt.map(move |rebuilt, steward, _| {
                let start =
                    |steward: &mut Self, recovered| steward.start_shard(sequence, recovered);
                steward.rebuilt(sequence, rebuilt, start);
            }))
        }
    }
}

impl Handler<BelieveClock> for Steward {
    type Result = ResponseActFuture<Self, usize>;

    fn handle(&mut self, message: BelieveClock, _: &mut Self::Context) -> Self::Result {
        let shards: Vec<_> = self.living_shards.values().map(|shard| shard.send(message)).collect();
        let control = self.living_control.as_ref().map(|control| control.send(message));
        let all = async move {
            let mut believing = 0;
            for shard in shards {
                // One that is gone believes the first clock that it sees when it is back.
                believing += shard.await.unwrap_or(0);
            }
            match control {
                Some(control) => believing + control.await.unwrap_or(0),
                None => believing,
            }
        };
        Box::pin(all.into_actor(self))
    }
}

impl Handler<Finish> for Steward {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, message: Finish, _: &mut Self::Context) -> Self::Result {
        self.is_ending = true;
        let shards: Vec<_> = self.living_shards.values().map(|shard| shard.send(message)).collect();
        let control = self.living_control.as_ref().map(|control| control.send(message));
        let all = async move {
            for shard in shards {
                // One that is gone already has nothing left to do.
                let _ = shard.await;
            }
            if let Some(control) = control {
                let _ = control.await;
            }
        };
        Box::pin(all.into_actor(self))
    }
}
