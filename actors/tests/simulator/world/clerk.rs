//! The node's bookkeeping: the very tasks of a node, on a runtime whose time is the world's. What
//! they ask waits in a tray until the world sends it; what they hear, the world has brought.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use redeemd_actors::bookkeeping::{Asking, Bookkeeping, Books, Desk, Lent, make_up};
use redeemd_actors::control_view::ControlView;
use redeemd_actors::core::{Answer, Ask};
use redeemd_actors::crash_point::CrashPoints;
use redeemd_actors::status::Status;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::Control;
use redeemd_domain::machine::Machine;
use redeemd_domain::shard::{Claim, Fate, Shard};
use redeemd_domain::slot::ShardLayout;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

/// How often the tasks are looked at in one turn, so that one can prompt the next.
const LOOKS: usize = 4;

/// A question of a task.
#[derive(Debug)]
pub(super) struct Asked<M: Machine> {
    pub(super) place: usize,
    pub(super) ticket: u64,
    pub(super) ask: Ask<M>,
}

/// Questions on their way out, and who waits for answers.
#[derive(Debug)]
struct Tray<M: Machine> {
    last: u64,
    asked: Vec<Asked<M>>,
    waiting: BTreeMap<u64, oneshot::Sender<Answer<M>>>,
}

type SharedTray<M> = Rc<RefCell<Tray<M>>>;

/// A desk whose questions are put into a tray.
struct TrayDesk<M: Machine> {
    tray: SharedTray<M>,
    places: usize,
}

impl<M: Machine> Desk<M> for TrayDesk<M> {
    fn ask(&self, place: usize, ask: Ask<M>) -> Asking<M> {
        let (sender, receiver) = oneshot::channel();
        let mut tray = self.tray.borrow_mut();
        tray.last += 1;
        let ticket = tray.last;
        tray.asked.push(Asked { place, ticket, ask });
        tray.waiting.insert(ticket, sender);
        Box::pin(async move { receiver.await.expect("every question is answered, or all end") })
    }

    fn places(&self) -> usize {
        self.places
    }
}

/// How far what a crash left has been made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MakingUp {
    NotBegun,
    UnderWay,
    Done,
}

/// Everything of the bookkeeping that a crash ends.
pub(crate) struct Clerk {
    bookkeeping: Bookkeeping,
    tasks: LocalSet,
    runtime: Runtime,
    layout: ShardLayout,
    pub(super) view: ControlView,
    pub(super) status: Arc<Status>,
    shards: SharedTray<Shard>,
    control: SharedTray<Control>,
    /// What came of waiting for shares, by the ticket of the one who waits.
    lent: Rc<RefCell<VecDeque<(u64, Lent)>>>,
    making_up: Rc<Cell<MakingUp>>,
    /// Whether the tasks have heard something that they did not look at.
    has_heard: Cell<bool>,
    /// Up to where time has passed for the tasks.
    now_ms: u64,
}

impl Clerk {
    /// Starts the tasks of a node whose control state is known.
    pub(super) fn new(layout: ShardLayout, control: Control, now_ms: u64) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime is started");
        let tasks = LocalSet::new();
        let view = ControlView::new(control);
        let status = Arc::new(Status::new(usize::from(layout.shards()) + 1));
        let (shards, control) = (tray(), tray());
        let books = books(layout, &view, &status, &shards, &control);
        let bookkeeping = tasks.block_on(&runtime, async { Bookkeeping::start_here(books) });
        Self {
            bookkeeping,
            tasks,
            runtime,
            layout,
            view,
            status,
            shards,
            control,
            lent: Rc::default(),
            making_up: Rc::new(Cell::new(MakingUp::NotBegun)),
            has_heard: Cell::new(false),
            now_ms,
        }
    }

    /// Lets the tasks do whatever they can by now.
    pub(super) fn turn(&mut self, now_ms: u64) {
        let passed = Duration::from_millis(now_ms - self.now_ms);
        self.now_ms = now_ms;
        self.has_heard.set(false);
        self.tasks.block_on(&self.runtime, async {
            tokio::time::advance(passed).await;
            for _ in 0..LOOKS {
                tokio::task::yield_now().await;
            }
        });
    }

    /// Up to where time has passed for the tasks.
    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// What the tasks ask.
    pub(super) fn asked(&self) -> (Vec<Asked<Shard>>, Vec<Asked<Control>>) {
        let shards = std::mem::take(&mut self.shards.borrow_mut().asked);
        (shards, std::mem::take(&mut self.control.borrow_mut().asked))
    }

    /// A shard has answered. Nobody waits for what was only repeated.
    pub(super) fn hear_shard(&self, ticket: u64, answer: Answer<Shard>) {
        self.has_heard.set(true);
        hear(&self.shards, ticket, answer);
    }

    /// The control sequence has answered.
    pub(super) fn hear_control(&self, ticket: u64, answer: Answer<Control>) {
        self.has_heard.set(true);
        hear(&self.control, ticket, answer);
    }

    /// Makes up for what a crash left, unless that was begun before; how far that has come.
    pub(super) fn make_up(&self) -> MakingUp {
        let making_up = self.making_up.get();
        if making_up == MakingUp::NotBegun {
            self.making_up.set(MakingUp::UnderWay);
            let books = books(self.layout, &self.view, &self.status, &self.shards, &self.control);
            let made_up = Rc::clone(&self.making_up);
            drop(self.tasks.spawn_local(async move {
                make_up(&books).await;
                made_up.set(MakingUp::Done);
            }));
        }
        making_up
    }

    /// It is known what became of an attempt with a claim.
    pub(super) fn settle(&self, claim: &Claim, fate: Fate) {
        let _context = self.runtime.enter();
        self.bookkeeping.settle(claim, fate);
    }

    /// Somebody waits for a share of a campaign's total.
    pub(super) fn borrow(&self, campaign: CampaignNumber, shard: u16, ticket: u64) {
        let _context = self.runtime.enter();
        let told = Rc::clone(&self.lent);
        let lent = self.bookkeeping.borrow(campaign, shard);
        drop(self.tasks.spawn_local(async move {
            let lent = lent.await;
            told.borrow_mut().push_back((ticket, lent));
        }));
    }

    /// A use was given back, and somebody waits until that is known everywhere.
    pub(super) fn given_back(&self, campaign: CampaignNumber, shard: u16) {
        let _context = self.runtime.enter();
        self.bookkeeping.returned(campaign);
        let bookkeeping = self.bookkeeping.clone();
        drop(self.tasks.spawn_local(async move { bookkeeping.deliver(shard).await }));
    }

    /// Who waited for a share and hears now what came of it.
    pub(super) fn lent(&self) -> Option<(u64, Lent)> {
        self.lent.borrow_mut().pop_front()
    }

    /// Whether no answer is awaited, and none is there that the tasks did not look at.
    pub(super) fn is_idle(&self) -> bool {
        !self.has_heard.get()
            && self.shards.borrow().waiting.is_empty()
            && self.control.borrow().waiting.is_empty()
            && self.lent.borrow().is_empty()
    }
}

fn tray<M: Machine>() -> SharedTray<M> {
    Rc::new(RefCell::new(Tray { last: 0, asked: Vec::new(), waiting: BTreeMap::new() }))
}

fn hear<M: Machine>(tray: &SharedTray<M>, ticket: u64, answer: Answer<M>) {
    let waiting = tray.borrow_mut().waiting.remove(&ticket);
    if let Some(sender) = waiting {
        // Whoever does not wait any more does not want to know.
        drop(sender.send(answer));
    }
}

fn books(
    layout: ShardLayout,
    view: &ControlView,
    status: &Arc<Status>,
    shards: &SharedTray<Shard>,
    control: &SharedTray<Control>,
) -> Books {
    Books {
        layout,
        shards: Box::new(TrayDesk { tray: Rc::clone(shards), places: layout.shards().into() }),
        control: Box::new(TrayDesk { tray: Rc::clone(control), places: 1 }),
        view: view.clone(),
        status: Arc::clone(status),
        crash_points: CrashPoints::default(),
    }
}
