//! What a sequence has proposed and not applied yet: first what the journal has been given, frame by
//! frame, then what gathers for the next frame.

use std::collections::VecDeque;

use redeemd_domain::entry::{self, Entry};
use redeemd_domain::machine::Machine;

use super::answer::Token;
use super::outputs::{FrameProposal, FrameTicket};

/// Everything that is not applied yet, in order.
#[derive(Debug)]
pub(super) struct Pipeline<M: Machine> {
    proposals: VecDeque<Proposal<M>>,
    /// The frames that the journal has been given, in order.
    flights: VecDeque<Flight>,
    /// How many of the proposals, the last ones, are in no frame yet.
    gathered: u32,
    /// Those, as their frame will have them.
    payload: Vec<u8>,
    /// How many bytes the last frame had: the next one has room for as many at once.
    last_frame_bytes: usize,
    next_ticket: u64,
}

/// A command that is on its way through the journal.
#[derive(Debug)]
pub(super) struct Proposal<M: Machine> {
    /// Whom to answer; nobody asked for what the sequence does by itself.
    pub(super) token: Option<Token>,
    /// What the journal is to hold.
    pub(super) entry: Entry<M::Command>,
}

#[derive(Debug)]
struct Flight {
    ticket: FrameTicket,
    count: u32,
}

impl<M: Machine> Pipeline<M> {
    /// Nothing is under way.
    pub(super) fn new() -> Self {
        Self {
            proposals: VecDeque::new(),
            flights: VecDeque::new(),
            gathered: 0,
            payload: Vec::new(),
            last_frame_bytes: 0,
            next_ticket: 0,
        }
    }

    /// How many entries are under way.
    pub(super) fn len(&self) -> usize {
        self.proposals.len()
    }

    /// How many bytes gather for the next frame.
    pub(super) fn gathered_bytes(&self) -> usize {
        self.payload.len()
    }

    /// Adds an entry to the next frame; whether it could be written.
    pub(super) fn push(&mut self, token: Option<Token>, entry: Entry<M::Command>) -> bool {
        if self.payload.is_empty() {
            self.payload.reserve(self.last_frame_bytes);
            entry::begin(&mut self.payload);
        }
        if entry::encode(&entry, &mut self.payload).is_err() {
            return false;
        }
        self.gathered += 1;
        self.proposals.push_back(Proposal { token, entry });
        true
    }

    /// Makes a frame of what has gathered, unless the journal has so many already. `applied` is the
    /// last entry before all that is under way.
    pub(super) fn depart(&mut self, applied: u64, max_frames: usize) -> Option<FrameProposal> {
        if self.gathered == 0 || self.flights.len() >= max_frames {
            return None;
        }
        let ticket = FrameTicket(self.next_ticket);
        self.next_ticket += 1;
        let count = std::mem::take(&mut self.gathered);
        self.last_frame_bytes = self.payload.len();
        let proposed = applied + self.proposals.len() as u64;
        self.flights.push_back(Flight { ticket, count });
        Some(FrameProposal {
            ticket,
            first: proposed + 1 - u64::from(count),
            count,
            payload: std::mem::take(&mut self.payload),
        })
    }

    /// Whether the journal is to answer about this frame next.
    pub(super) fn is_next(&self, ticket: FrameTicket) -> bool {
        self.flights.front().is_some_and(|flight| flight.ticket == ticket)
    }

    /// The journal has the frame: how many entries are to be taken out; `None` where it is not the
    /// next one.
    pub(super) fn arrive(&mut self, ticket: FrameTicket) -> Option<u32> {
        let flight = self.flights.pop_front_if(|flight| flight.ticket == ticket)?;
        Some(flight.count)
    }

    /// The commands under way, the oldest first.
    pub(super) fn commands(&self) -> impl Iterator<Item = &M::Command> {
        self.proposals.iter().map(|proposal| &proposal.entry.command)
    }

    /// Takes the oldest entry out.
    pub(super) fn pop(&mut self) -> Option<Proposal<M>> {
        self.proposals.pop_front()
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Proposal<M>> {
        self.flights.clear();
        self.gathered = 0;
        self.payload.clear();
        self.proposals.drain(..)
    }
}
