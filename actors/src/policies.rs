//! What bounds and paces the actors, where it may change while they run.
//!
//! Actors look here when they next have a reason to, at the latest after half a second; nothing
//! that is under way is disturbed.

use std::sync::{Arc, PoisonError, RwLock};

use crate::core::Limits;
use crate::ledger_keeper::CommitPolicy;
use crate::sequence_actor::SnapshotPolicy;

/// Everything that may change while a node runs.
#[derive(Clone, Copy, Debug)]
pub struct Policies {
    /// What bounds each sequence.
    pub limits: Limits,
    /// When the ledger commits.
    pub commit: CommitPolicy,
    /// When snapshots are taken.
    pub snapshots: SnapshotPolicy,
}

/// The policies in force. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct LivePolicies(Arc<RwLock<Policies>>);

impl LivePolicies {
    /// These, until they are changed.
    pub fn new(policies: Policies) -> Self {
        Self(Arc::new(RwLock::new(policies)))
    }

    /// Those in force.
    pub fn current(&self) -> Policies {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts others into force.
    pub fn change(&self, policies: Policies) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = policies;
    }
}
