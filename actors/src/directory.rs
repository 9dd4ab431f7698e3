//! The directory: at which address each sequence's actor is reached.
//!
//! Addresses change only when an actor is rebuilt after a panic.

use std::sync::{Arc, PoisonError, RwLock};

use actix::Recipient;
use redeemd_domain::machine::Machine;
use redeemd_domain::slot::{ShardLayout, Slot};

use crate::messages::Submit;
use crate::status::Number;

/// Where an actor is reached; `None` while it is being rebuilt.
type Address<M> = Option<Recipient<Submit<M>>>;

/// The addresses of the actors of one kind of machine: of all shards, or of the control sequence
/// alone.
#[derive(Debug)]
pub struct Directory<M: Machine> {
    addresses: Arc<RwLock<Vec<Address<M>>>>,
    /// How many messages wait in each mailbox.
    waiting: Arc<[Arc<Number>]>,
}

impl<M: Machine> Clone for Directory<M> {
    fn clone(&self) -> Self {
        Self { addresses: Arc::clone(&self.addresses), waiting: Arc::clone(&self.waiting) }
    }
}

impl<M: Machine> Directory<M> {
    /// A directory of `count` actors, none of which can be reached yet.
    pub fn new(count: usize) -> Self {
        Self::counted(count, (0..count).map(|_| Arc::default()).collect())
    }

    /// As [`Directory::new`], where the messages that wait in each mailbox are counted.
    pub fn counted(count: usize, waiting: Vec<Arc<Number>>) -> Self {
        let addresses = Arc::new(RwLock::new((0..count).map(|_| None).collect()));
        Self { addresses, waiting: waiting.into() }
    }

    /// Where the messages that wait in a mailbox are counted.
    pub fn waiting(&self, place: usize) -> Option<Arc<Number>> {
        self.waiting.get(place).cloned()
    }

    /// How many actors there are.
    pub fn len(&self) -> usize {
        self.addresses.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where an actor is reached; `None` while it is being rebuilt.
    pub fn address(&self, place: usize) -> Option<Recipient<Submit<M>>> {
        let addresses = self.addresses.read().unwrap_or_else(PoisonError::into_inner);
        addresses.get(place).cloned().flatten()
    }

    /// How many actors cannot be reached.
    pub fn unreachable(&self) -> usize {
        let addresses = self.addresses.read().unwrap_or_else(PoisonError::into_inner);
        addresses.iter().filter(|address| address.is_none()).count()
    }

    /// Says where an actor is reached from now on.
    pub fn set(&self, place: usize, address: Option<Recipient<Submit<M>>>) {
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = addresses.get_mut(place) {
            *known = address;
        }
    }
}

/// The place of a slot's shard in the directory of shards.
pub fn place_of(layout: ShardLayout, slot: Slot) -> usize {
    layout.shard_of(slot).into()
}
