//! The control state for everybody to read: campaigns, API keys, secrets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redeemd_domain::control::Control;
use redeemd_domain::machine::Machine as _;

/// The control state as it was last applied. Published before the answer to whatever changed it
/// leaves, so that whoever got the answer sees the change.
#[derive(Clone, Debug)]
pub struct ControlView {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    version: AtomicU64,
    state: RwLock<Arc<Control>>,
}

impl ControlView {
    /// A view of a state.
    pub fn new(state: Control) -> Self {
        let version = AtomicU64::new(state.last());
        Self { shared: Arc::new(Shared { version, state: RwLock::new(Arc::new(state)) }) }
    }

    /// The state.
    pub fn current(&self) -> Arc<Control> {
        let state = self.shared.state.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state)
    }

    /// A number that differs when the state does: cheaper to look at than the state, for whoever
    /// keeps a copy.
    pub fn version(&self) -> u64 {
        self.shared.version.load(Ordering::Acquire)
    }

    /// Publishes a state.
    pub fn publish(&self, state: &Control) {
        let mut published = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        *published = Arc::new(state.clone());
        self.shared.version.store(state.last(), Ordering::Release);
    }
}
