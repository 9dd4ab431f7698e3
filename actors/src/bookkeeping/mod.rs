//! The books of limits that span codes: what belongs to several sequences and to no single request.
//!
//! A request's own task drives the steps that its answer needs. What follows them is done here, on
//! a thread of its own: claims are settled in batches, claims whose driver is gone are resolved,
//! owed uses are delivered, and shares of totals are lent. All of it is in the states of the
//! sequences, so that it goes on after a crash; nothing here decides anything about a code.

mod delivering;
mod desk;
mod lending;
mod resolving;
mod settling;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::ArbiterHandle;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::Control;
use redeemd_domain::shard::{Claim, Fate, Shard};
use redeemd_domain::slot::ShardLayout;
use tokio::sync::mpsc;

use crate::control_view::ControlView;
use crate::crash_point::CrashPoints;
use crate::directory::Directory;
use crate::port::Port;
use crate::ports::Ports;
use crate::status::Status;
pub use desk::{Asking, Desk};
pub use lending::Lent;

/// How long whoever cannot be asked is left alone.
const AGAIN: Duration = Duration::from_millis(50);

/// The most questions of each of the tasks.
const QUESTIONS: usize = 16_384;

/// Where a node's tasks find what they work with. Books are opened of it on their thread.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// How slots are divided.
    pub layout: ShardLayout,
    /// Where the shards are reached.
    pub shards: Directory<Shard>,
    /// Where their answers arrive.
    pub shard_ports: Ports<Shard>,
    /// Where the control sequence is reached.
    pub control: Directory<Control>,
    /// Where its answers arrive.
    pub control_ports: Ports<Control>,
    /// The control state to read.
    pub view: ControlView,
    /// What those who run the server see.
    pub status: Arc<Status>,
}

/// What one thread's tasks work with.
pub struct Books {
    /// How slots are divided.
    pub layout: ShardLayout,
    /// Where the shards are asked, each at the place of its number.
    pub shards: Box<dyn Desk<Shard>>,
    /// Where the control sequence is asked, at place 0.
    pub control: Box<dyn Desk<Control>>,
    /// The control state to read.
    pub view: ControlView,
    /// What those who run the server see. The tasks read of it which shard has something to do.
    pub status: Arc<Status>,
    /// Where a test may stop the tasks.
    pub crash_points: CrashPoints,
}

impl Surroundings {
    /// Opens books. Must be called on a thread that runs local tasks.
    pub(crate) fn open(self, crash_points: CrashPoints) -> Books {
        let Self { layout, shards, shard_ports, control, control_ports, view, status } = self;
        let shards = Box::new(Port::open(&shard_ports, &shards, QUESTIONS));
        let control = Box::new(Port::open(&control_ports, &control, QUESTIONS));
        Books { layout, shards, control, view, status, crash_points }
    }
}

/// What is asked of the bookkeeping, from any thread. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Bookkeeping {
    settling: Arc<settling::Gathered>,
    lending: Arc<lending::Waiting>,
    delivering: delivering::Wanted,
    view: ControlView,
    /// Where a test may stop it.
    pub crash_points: CrashPoints,
}

/// Where the tasks hear what is asked of them.
struct Tasks {
    settling: Arc<settling::Gathered>,
    lending: Arc<lending::Waiting>,
    delivering: mpsc::Receiver<delivering::Wish>,
}

impl Tasks {
    /// Starts them on this thread.
    fn start(self, books: Books) {
        let books = Rc::new(books);
        actix::spawn(settling::run(Rc::clone(&books), self.settling));
        actix::spawn(delivering::run(Rc::clone(&books), self.delivering));
        actix::spawn(lending::run(Rc::clone(&books), self.lending));
        actix::spawn(resolving::run(books));
    }
}

impl Bookkeeping {
    /// Starts the tasks on a thread.
    pub(crate) fn start(arbiter: &ArbiterHandle, surroundings: Surroundings) -> Self {
        let crash_points = CrashPoints::default();
        let view = surroundings.view.clone();
        let (handle, tasks) = Self::new(surroundings.layout, view, crash_points.clone());
        arbiter.spawn(async move { tasks.start(surroundings.open(crash_points)) });
        handle
    }

    /// Starts the tasks on this thread, which runs local tasks, with books that the caller opened:
    /// for whoever simulates a node.
    pub fn start_here(books: Books) -> Self {
        let (view, crash_points) = (books.view.clone(), books.crash_points.clone());
        let (handle, tasks) = Self::new(books.layout, view, crash_points);
        tasks.start(books);
        handle
    }

    fn new(layout: ShardLayout, view: ControlView, crash_points: CrashPoints) -> (Self, Tasks) {
        let settling = Arc::new(settling::Gathered::new(layout.shards()));
        let lending = Arc::<lending::Waiting>::default();
        let (delivering, wanted) = delivering::wanted();
        let tasks = Tasks {
            settling: Arc::clone(&settling),
            lending: Arc::clone(&lending),
            delivering: wanted,
        };
        (Self { settling, lending, delivering, view, crash_points }, tasks)
    }

    /// What became of the attempt with a claim is certain. The claim's shard will be told soon; its
    /// pending claims bound how much waits here.
    pub fn settle(&self, claim: &Claim, fate: Fate) {
        self.settling.add(claim, fate);
    }

    /// Waits until a shard has more of a campaign's total, or there is nothing left of it.
    pub fn borrow(
        &self,
        campaign: CampaignNumber,
        shard: u16,
    ) -> impl Future<Output = Lent> + use<> {
        self.lending.want(campaign, lending::since(&self.view, campaign), shard)
    }

    /// A use of a campaign was given back, so that something may be left of its total again.
    pub fn returned(&self, campaign: CampaignNumber) {
        self.lending.returned(campaign);
    }

    /// Gives back what a shard owes to users now instead of soon, and waits for it, but not for
    /// long.
    pub async fn deliver(&self, shard: u16) {
        self.delivering.now(shard).await;
    }

    /// Waits until what is settled is told, but not for long: the server is ending.
    pub(crate) async fn finish(&self) {
        self.settling.drained().await;
    }
}

/// Resolves everything that a crash left, before anything is asked of the node.
pub async fn make_up(books: &Books) {
    for shard in 0..books.shards.places() {
        while resolving::resolve(books, shard, u64::MAX).await.is_err()
            || delivering::deliver(books, shard).await.is_err()
        {
            actix::clock::sleep(AGAIN).await;
        }
    }
}

/// A sequence could not be asked, or nobody knows what came of it; whatever it was is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreachable;
