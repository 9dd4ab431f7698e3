//! Where the tasks ask: in a node at ports, in a simulator at desks of its own. So both drive the
//! very same tasks.

use std::future::Future;
use std::pin::Pin;

use redeemd_domain::machine::Machine;

use crate::core::{Answer, Ask};
use crate::port::Port;

/// An answer to come. The question is on its way whether or not somebody awaits the answer.
pub type Asking<M> = Pin<Box<dyn Future<Output = Answer<M>>>>;

/// Asks sequences of one kind of machine.
pub trait Desk<M: Machine> {
    /// Asks the sequence at a place.
    fn ask(&self, place: usize, ask: Ask<M>) -> Asking<M>;

    /// How many sequences there are to ask.
    fn places(&self) -> usize;

    /// Carries out a command that others wait for, past the bounds that commands otherwise have.
    fn insist(&self, place: usize, command: M::Command) -> Asking<M> {
        self.ask(place, Ask::Insist(command))
    }
}

impl<M: Machine> Desk<M> for Port<M> {
    fn ask(&self, place: usize, ask: Ask<M>) -> Asking<M> {
        match ask {
            Ask::Insist(command) => Box::pin(Self::insist(self, place, command)),
            ask => Box::pin(Self::ask(self, place, ask)),
        }
    }

    fn places(&self) -> usize {
        Self::places(self)
    }
}
