//! A node: all actors of one data directory, started from what was brought back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, Addr, Arbiter, ArbiterHandle, Context};
use redeemd_domain::campaign::Terms;
use redeemd_domain::control::Control;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Command, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::ledger::LedgerReader;

use crate::bookkeeping::{self, Bookkeeping};
use crate::control_view::ControlView;
use crate::core::Limits;
use crate::crash_point::CrashPoints;
use crate::directory::Directory;
use crate::fatal::Fatal;
use crate::journal_writer::JournalWriter;
use crate::ledger_keeper::{CommitPolicy, LedgerKeeper};
use crate::messages::{BelieveClock, Finish};
use crate::policies::{LivePolicies, Policies};
use crate::port::Port;
use crate::ports::Ports;
use crate::recovery::{Recovered, RecoveredMachine};
use crate::sequence_actor::{SnapshotPolicy, Surroundings};
use crate::snapshot_keeper::SnapshotKeeper;
use crate::status::Status;
use crate::steward::{Household, Steward};
use crate::wall_clock::WallClock;

/// What a node is started with, besides what was brought back.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// What bounds each sequence.
    pub limits: Limits,
    /// How many messages fit into each sequence's mailbox.
    pub mailbox_capacity: usize,
    /// How many threads run the shards; at least one.
    pub shard_threads: usize,
    /// When the ledger commits.
    pub commit_policy: CommitPolicy,
    /// When snapshots are taken.
    pub snapshot_policy: SnapshotPolicy,
}

/// The running actors, as those see them who ask them something. Clones are handles to the same.
#[derive(Clone)]
pub struct Node {
    /// How slots are divided.
    pub layout: ShardLayout,
    /// Where the shards are reached.
    pub shards: Directory<Shard>,
    /// Where the shards' answers arrive.
    pub shard_ports: Ports<Shard>,
    /// Where the control sequence is reached.
    pub control: Directory<Control>,
    /// Where the control sequence's answers arrive.
    pub control_ports: Ports<Control>,
    /// The control state to read.
    pub view: ControlView,
    /// The ledger to read.
    pub ledger: LedgerReader,
    /// What the actors are doing.
    pub status: Arc<Status>,
    /// What bounds and paces the actors.
    pub policies: LivePolicies,
    /// What time it is to the actors.
    pub clock: WallClock,
    /// The books of limits that span codes.
    pub bookkeeping: Bookkeeping,
    is_ready: Arc<AtomicBool>,
    steward: Addr<Steward>,
    pub(crate) journal_writer: Addr<JournalWriter>,
    ledger_keeper: Addr<LedgerKeeper>,
    snapshot_keeper: Addr<SnapshotKeeper>,
}

impl Node {
    /// Starts all actors, each kind on threads of its own. Must be called within an actix system.
    ///
    /// `fatal` hears of what the process cannot go on after.
    pub fn start(
        recovered: Recovered,
        options: &NodeOptions,
        status: Arc<Status>,
        fatal: &Fatal,
    ) -> Self {
        let Recovered { layout, control, shards, journal, ledger, snapshots, .. } = recovered;
        let view = ControlView::new(control.machine.clone());
        let missing = missing_views(&control.machine, &shards);
        let reader = ledger.reader();
        let hasher = ledger.key_hasher();
        let policies = LivePolicies::new(Policies {
            limits: options.limits,
            commit: options.commit_policy,
            snapshots: options.snapshot_policy,
        });
        let clock = WallClock::default();

        let journal = {
            let writer = JournalWriter::new(journal, Arc::clone(&status), fatal.clone());
            start_on(&Arbiter::new().handle(), writer, options.mailbox_capacity)
        };
        let ledger_keeper = {
            let policies = policies.clone();
            let keeper = LedgerKeeper::new(ledger, policies, Arc::clone(&status), fatal.clone());
            start_on(&Arbiter::new().handle(), keeper, options.mailbox_capacity)
        };
        let snapshot_keeper = {
            let keeper =
                SnapshotKeeper::new(snapshots.clone(), journal.clone(), Arc::clone(&status));
            start_on(&Arbiter::new().handle(), keeper, options.mailbox_capacity)
        };
        let counted = |from: usize, count: usize| {
            let sequences = status.sequences.iter().skip(from).take(count);
            sequences.map(|sequence| Arc::clone(&sequence.waiting)).collect()
        };
        let shard_directory = Directory::counted(
            layout.shards().into(),
            counted(SequenceId::shard(0).index(), layout.shards().into()),
        );
        let control_directory = Directory::counted(1, counted(SequenceId::CONTROL.index(), 1));
        let (shard_ports, control_ports) = (Ports::default(), Ports::default());
        let journal_writer = journal.clone();
        let threads = options.shard_threads.max(1);
        let arbiters: Vec<ArbiterHandle> = (0..threads).map(|_| Arbiter::new().handle()).collect();
        let steward = {
            let (shard_directory, control_directory) =
                (shard_directory.clone(), control_directory.clone());
            let (shard_ports, control_ports) = (shard_ports.clone(), control_ports.clone());
            let (options, status) = (options.clone(), Arc::clone(&status));
            let (policies, clock) = (policies.clone(), clock.clone());
            let (ledger_keeper, view, reader) =
                (ledger_keeper.clone(), view.clone(), reader.clone());
            let snapshot_keeper = snapshot_keeper.clone();
            Steward::start_in_arbiter(&Arbiter::new().handle(), move |context: &mut Context<_>| {
                let mourner = actix::AsyncContext::address(context).recipient();
                let surroundings = Surroundings {
                    ports: shard_ports,
                    journal: journal.clone(),
                    ledger: ledger_keeper.clone(),
                    snapshots: snapshot_keeper.clone(),
                    hasher,
                    policies: policies.clone(),
                    status: Arc::clone(&status),
                    clock: clock.clone(),
                    observe: Arc::new(|_: &Shard| {}),
                    mourner: mourner.clone(),
                };
                let shards_household = Household {
                    directory: shard_directory,
                    surroundings,
                    first: SequenceId::shard(0),
                    arbiters: arbiters.clone(),
                };
                let control_household = Household {
                    directory: control_directory,
                    surroundings: Surroundings {
                        ports: control_ports,
                        journal: journal.clone(),
                        ledger: ledger_keeper.clone(),
                        snapshots: snapshot_keeper,
                        hasher,
                        policies,
                        status,
                        clock,
                        observe: Arc::new(move |state: &Control| view.publish(state)),
                        mourner,
                    },
                    first: SequenceId::CONTROL,
                    arbiters,
                };
                let mut steward = Steward::new(
                    shards_household,
                    control_household,
                    options,
                    layout,
                    snapshots,
                    reader,
                    (journal, ledger_keeper),
                );
                steward.bring_up(shards, control);
                steward
            })
        };
        let books = bookkeeping::Surroundings {
            layout,
            shards: shard_directory.clone(),
            shard_ports: shard_ports.clone(),
            control: control_directory.clone(),
            control_ports: control_ports.clone(),
            view: view.clone(),
            status: Arc::clone(&status),
        };
        let node = Self {
            bookkeeping: Bookkeeping::start(&Arbiter::new().handle(), books.clone()),
            layout,
            shards: shard_directory,
            shard_ports,
            control: control_directory,
            control_ports,
            view,
            ledger: reader,
            status,
            policies,
            clock,
            is_ready: Arc::default(),
            steward,
            journal_writer,
            ledger_keeper,
            snapshot_keeper,
        };
        actix::spawn(node.clone().make_ready(missing, books));
        node
    }

    /// Whether every shard knows every campaign, so that requests may come.
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire) && self.status.fatal().is_none()
    }

    /// Says that the clock is right, after a leap that was not believed: every sequence goes on with
    /// the time that it shows. Gives how many sequences a leap had stopped; `None` when the node is
    /// ending.
    pub async fn believe_clock(&self) -> Option<usize> {
        self.steward.send(BelieveClock).await.ok()
    }

    /// Ends the actors when nothing is asked any more: what is applied is in the ledger when this
    /// returns, and in snapshots, so that the next start is a quick one.
    pub async fn finish(&self) {
        self.is_ready.store(false, Ordering::Release);
        self.bookkeeping.finish().await;
        // An actor that is gone already has nothing left to do.
        let _ = self.steward.send(Finish).await;
        let _ = self.ledger_keeper.send(Finish).await;
        // The ledger covers now what the snapshots waited for.
        let _ = self.snapshot_keeper.send(Finish).await;
    }

    /// Waits for the actors to be reachable and tells the shards of the campaigns that a crash kept
    /// from them.
    async fn make_ready(self, missing: Vec<(usize, Terms)>, books: bookkeeping::Surroundings) {
        while self.shards.unreachable() + self.control.unreachable() > 0 {
            actix::clock::sleep(Duration::from_millis(1)).await;
        }
        let port = Port::open(&self.shard_ports, &self.shards, 64);
        for (shard, terms) in missing {
            // Nothing is lost by trying again, and nothing may be redeemed before.
            port.keep_telling(shard, &Command::put(terms)).await;
        }
        bookkeeping::make_up(&books.open(CrashPoints::default())).await;
        self.is_ready.store(true, Ordering::Release);
    }
}

/// Starts an actor in a thread, with so much room in its mailbox.
pub(crate) fn start_on<A>(arbiter: &ArbiterHandle, actor: A, capacity: usize) -> Addr<A>
where
    A: Actor<Context = Context<A>> + Send,
{
    A::start_in_arbiter(arbiter, move |context| {
        context.set_mailbox_capacity(capacity);
        actor
    })
}

fn missing_views(control: &Control, shards: &[RecoveredMachine<Shard>]) -> Vec<(usize, Terms)> {
    let missing = |(place, shard)| {
        let shard: &RecoveredMachine<Shard> = shard;
        control.missing_in(&shard.machine).map(move |terms| (place, terms)).collect::<Vec<_>>()
    };
    shards.iter().enumerate().flat_map(missing).collect()
}
