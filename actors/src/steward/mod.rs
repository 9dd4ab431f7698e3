//! The steward: starts the sequences' actors, and rebuilds one that panicked from its snapshot and
//! the journal, so that a bug that one request meets does not take the others' shard away.
//!
//! actix ends an actor that panics and leaves its thread alone; its supervisor does not bring the
//! actor back. So a dying [`SequenceActor`] sends word here.

mod household;
mod rebuilding;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorFutureExt, Addr, Context, Handler, Message, ResponseActFuture, WrapFuture,
};
use redeemd_domain::control::Control;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Command, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::ledger::LedgerReader;
use redeemd_persistence::snapshot::Snapshots;

use crate::journal_writer::JournalWriter;
use crate::ledger_keeper::LedgerKeeper;
use crate::messages::{BelieveClock, Finish};
use crate::node::NodeOptions;
use crate::port::Port;
use crate::recovery::RecoveredMachine;
use crate::sequence_actor::{Died, SequenceActor};
use crate::sequenced::Sequenced;
pub use household::Household;
use rebuilding::Rebuilding;

/// A sequence that dies so often within [`PATIENCE`] is left down: what it meets will not go away.
const MOST_DEATHS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);

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
                    port.keep_telling(place, &Command::put(terms.clone())).await;
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

    /// Tells every sequence that lives, and gives what those answer that are still there.
    fn tell_all<T>(&self, message: T) -> impl Future<Output = Vec<T::Result>> + use<T>
    where
        T: Message<Result: Send> + Copy + Send + 'static,
        SequenceActor<Shard>: Handler<T>,
        SequenceActor<Control>: Handler<T>,
    {
        let shards: Vec<_> = self.living_shards.values().map(|shard| shard.send(message)).collect();
        let control = self.living_control.as_ref().map(|control| control.send(message));
        async move {
            let mut answers = Vec::with_capacity(shards.len() + 1);
            for shard in shards {
                answers.extend(shard.await);
            }
            if let Some(control) = control {
                answers.extend(control.await);
            }
            answers
        }
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
            self.shards.directory.set(self.shards.place_of(sequence), None);
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
        // One that is gone believes the first clock that it sees when it is back.
        let believing = self.tell_all(message);
        let count = async move { believing.await.into_iter().sum::<usize>() };
        Box::pin(count.into_actor(self))
    }
}

impl Handler<Finish> for Steward {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, message: Finish, _: &mut Self::Context) -> Self::Result {
        self.is_ending = true;
        // One that is gone already has nothing left to do.
        let ended = self.tell_all(message);
        let all = async move { drop(ended.await) };
        Box::pin(all.into_actor(self))
    }
}
