//! The way back: answers find whoever asked by the number of a port.
//!
//! Answers travel in groups, one for each port and each turn of an actor, since waking another
//! thread costs more than what it is woken for.

use std::sync::{Arc, PoisonError, RwLock};

use redeemd_domain::machine::Machine;
use tokio::sync::mpsc;

use crate::core::{Answer, PortId, Token};

/// A group of answers for one port.
pub type Answers<M> = Vec<(Token, Answer<M>)>;

/// All ports at which answers of one kind of machine are received.
#[derive(Debug)]
pub struct Ports<M: Machine> {
    senders: Arc<RwLock<Vec<mpsc::Sender<Answers<M>>>>>,
}

impl<M: Machine> Clone for Ports<M> {
    fn clone(&self) -> Self {
        Self { senders: Arc::clone(&self.senders) }
    }
}

impl<M: Machine> Default for Ports<M> {
    fn default() -> Self {
        Self { senders: Arc::default() }
    }
}

impl<M: Machine> Ports<M> {
    /// Opens a port for somebody who has at most `capacity` questions outstanding. Since every
    /// question is answered once, its channel can never be full.
    pub fn open(&self, capacity: usize) -> (PortId, mpsc::Receiver<Answers<M>>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let mut senders = self.senders.write().unwrap_or_else(PoisonError::into_inner);
        senders.push(sender);
        let id = u32::try_from(senders.len() - 1).unwrap_or(u32::MAX);
        (PortId(id), receiver)
    }

    /// Gives every answer to its port. Where nobody listens any more, nobody wants to know: what
    /// was done is done all the same.
    pub fn answer(&self, answers: Answers<M>) {
        let Some((first, _)) = answers.first() else { return };
        let port = first.port;
        // Mostly all of them are for the same one.
        if answers.iter().all(|(token, _)| token.port == port) {
            return self.send(vec![(port, answers)]);
        }
        let mut groups: Vec<(PortId, Answers<M>)> = Vec::new();
        for (token, answer) in answers {
            match groups.iter_mut().find(|(port, _)| *port == token.port) {
                Some((_, group)) => group.push((token, answer)),
                None => groups.push((token.port, vec![(token, answer)])),
            }
        }
        self.send(groups);
    }

    fn send(&self, groups: Vec<(PortId, Answers<M>)>) {
        let senders = self.senders.read().unwrap_or_else(PoisonError::into_inner);
        for (port, group) in groups {
            if let Some(Err(mpsc::error::TrySendError::Full(_))) =
                senders.get(port.0 as usize).map(|sender| sender.try_send(group))
            {
                tracing::error!(port = port.0, "a port has more answers than it asked questions");
            }
        }
    }
}
