//! The books of limits that span codes: what belongs to several sequences and to no single request.
//!
//! A request's own task drives the steps that its answer needs. What follows them is done here, on
//! a thread of its own: claims are settled in batches, claims whose driver is gone are resolved,
//! owed uses are delivered, and shares of totals are lent. All of it is in the states of the
//! sequences, so that it goes on after a crash; nothing here decides anything about a code.

mod delivering;
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

use crate::control_view::ControlView;
use crate::crash_point::CrashPoints;
use crate::directory::Directory;
use crate::port::Port;
use crate::ports::Ports;
use crate::status::Status;
pub use lending::Lent;

/// How long whoever cannot be asked is left alone.
const AGAIN: Duration = Duration::from_millis(50);

/// The most questions of each of the tasks.
const QUESTIONS: usize = 16_384;

/// What the tasks work with.
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

/// What one thread's tasks have in common.
struct Books {
    surroundings: Surroundings,
    shards: Port<Shard>,
    control: Port<Control>,
    crash_points: CrashPoints,
}

impl Books {
    fn open(surroundings: Surroundings, crash_points: CrashPoints) -> Self {
        let shards = Port::open(&surroundings.shard_ports, &surroundings.shards, QUESTIONS);
        let control = Port::open(&surroundings.control_ports, &surroundings.control, QUESTIONS);
        Self { surroundings, shards, control, crash_points }
    }
}

impl Bookkeeping {
    /// Starts the tasks on a thread.
    pub(crate) fn start(arbiter: &ArbiterHandle, surroundings: Surroundings) -> Self {
        let crash_points = CrashPoints::default();
        let settling = Arc::new(settling::Gathered::new(surroundings.layout.shards()));
        let lending = Arc::<lending::Waiting>::default();
        let (delivering, wanted) = delivering::wanted();
        let view = surroundings.view.clone();
        let handle = Self { settling, lending, delivering, view, crash_points };
        let tasks = handle.clone();
        arbiter.spawn(async move {
            let books = Rc::new(Books::open(surroundings, tasks.crash_points.clone()));
            actix::spawn(settling::run(Rc::clone(&books), tasks.settling));
            actix::spawn(delivering::run(Rc::clone(&books), wanted));
            actix::spawn(lending::run(Rc::clone(&books), tasks.lending));
            actix::spawn(resolving::run(books));
        });
        handle
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

/// Resolves everything that a crash left, before anything is asked of the node. Must be called on
/// a thread that runs local tasks.
pub(crate) async fn make_up(surroundings: &Surroundings) {
    let books = Books::open(surroundings.clone(), CrashPoints::default());
    for shard in 0..books.shards.places() {
        while resolving::resolve(&books, shard, u64::MAX).await.is_err()
            || delivering::deliver(&books, shard).await.is_err()
        {
            actix::clock::sleep(AGAIN).await;
        }
    }
}

/// A sequence could not be asked, or nobody knows what came of it; whatever it was is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreachable;
