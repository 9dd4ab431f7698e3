//! All sequences of one kind of machine, and how one of them is started.

use actix::{Addr, ArbiterHandle};
use redeemd_domain::sequence::SequenceId;

use crate::core::SequenceCore;
use crate::directory::Directory;
use crate::node::{NodeOptions, start_on};
use crate::recovery::RecoveredMachine;
use crate::sequence_actor::{SequenceActor, Surroundings};
use crate::sequenced::Sequenced;

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
    /// Starts the actor of a sequence with what was brought back; `None` when there is no thread
    /// for it.
    pub(super) fn start(
        &self,
        sequence: SequenceId,
        recovered: RecoveredMachine<M>,
        options: &NodeOptions,
        covered: u64,
    ) -> Option<Addr<SequenceActor<M>>> {
        let place = self.place_of(sequence);
        let arbiter = self.arbiters.get(place % self.arbiters.len().max(1))?;
        let RecoveredMachine { machine, snapshot } = recovered;
        let limits = self.surroundings.policies.current().limits;
        let core = SequenceCore::new(sequence, machine, covered, limits);
        let actor = SequenceActor::new(core, snapshot, self.surroundings.clone());
        let address = start_on(arbiter, actor, options.mailbox_capacity);
        self.directory.set(place, Some(address.clone().recipient()));
        Some(address)
    }

    /// Where a sequence stands in the directory.
    pub(super) fn place_of(&self, sequence: SequenceId) -> usize {
        sequence.index().saturating_sub(self.first.index())
    }
}
