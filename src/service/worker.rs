//! One thread's way to everything: ports to the sequences, and a view of the control state.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use redeemd_actors::confidence::Confidence;
use redeemd_actors::node::Node;
use redeemd_actors::port::Port;
use redeemd_domain::control::Control;
use redeemd_domain::shard::Shard;
use tokio::sync::Semaphore;

use super::turns::Turns;
use super::view::View;
use crate::secrets::Vault;

/// The most questions that one thread may have open at the shards. Beyond it the answer is that
/// there is more to do than fits.
const SHARD_QUESTIONS: usize = 32_768;

/// The most questions that one thread may have open at the control sequence.
const CONTROL_QUESTIONS: usize = 1_024;

/// How many lists one thread may read at a time.
const LISTS_AT_ONCE: usize = 4;

/// Serves one thread. Clones are handles to the same.
#[derive(Clone)]
pub struct Worker(Rc<Inner>);

pub(super) struct Inner {
    pub(super) node: Node,
    pub(super) shards: Port<Shard>,
    pub(super) control: Port<Control>,
    /// Who may read the ledger from end to end: lists wait for a disk, and only so many at a time.
    pub(super) lists: Arc<Semaphore>,
    /// How many changes of campaigns are being told to the shards.
    pub(super) changes: Cell<usize>,
    /// How many commands go through steps.
    pub(super) stepping: Cell<usize>,
    /// How many claims may be made before their codes' shards were asked.
    pub(super) confidence: Confidence,
    /// How many listers are at work.
    pub(super) listers: Cell<usize>,
    pub(super) turns: Arc<Turns>,
    pub(super) vault: Arc<Vault>,
    /// The view, and the version of the control state that it shows.
    view: RefCell<(u64, Rc<View>)>,
}

impl Worker {
    /// Opens this thread's ports. Must be called on a thread that runs local tasks.
    pub fn open(node: &Node, vault: &Arc<Vault>, turns: &Arc<Turns>) -> Self {
        let version = node.view.version();
        let view = View::of(node.view.current(), vault);
        Self(Rc::new(Inner {
            node: node.clone(),
            shards: Port::open(&node.shard_ports, &node.shards, SHARD_QUESTIONS),
            control: Port::open(&node.control_ports, &node.control, CONTROL_QUESTIONS),
            lists: Arc::new(Semaphore::new(LISTS_AT_ONCE)),
            changes: Cell::new(0),
            stepping: Cell::new(0),
            confidence: Confidence::default(),
            listers: Cell::new(0),
            turns: Arc::clone(turns),
            vault: Arc::clone(vault),
            view: RefCell::new((version, Rc::new(view))),
        }))
    }

    /// The control state as it is now: whatever was answered before is in it.
    pub fn view(&self) -> Rc<View> {
        // The version is read before the state, so that a state which comes in between is looked
        // at once more, and never missed.
        let version = self.0.node.view.version();
        let mut known = self.0.view.borrow_mut();
        if known.0 != version {
            let view = View::of(self.0.node.view.current(), &self.0.vault);
            *known = (version, Rc::new(view));
        }
        Rc::clone(&known.1)
    }

    /// The actors that it asks.
    pub fn node(&self) -> &Node {
        &self.0.node
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Worker").finish_non_exhaustive()
    }
}
