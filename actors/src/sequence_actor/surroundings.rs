//! What a sequence's actor works with.

use std::sync::Arc;

use actix::{Addr, Message, Recipient};
use redeemd_domain::machine::Machine;
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::ledger::KeyHasher;

use crate::journal_writer::JournalWriter;
use crate::ledger_keeper::LedgerKeeper;
use crate::policies::LivePolicies;
use crate::ports::Ports;
use crate::snapshot_keeper::SnapshotKeeper;
use crate::status::Status;
use crate::wall_clock::WallClock;

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
    pub sequence: SequenceId,
}
