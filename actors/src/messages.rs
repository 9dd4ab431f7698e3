//! What actors say to each other.

use std::sync::Arc;

use actix::{Message, Recipient};
use redeemd_domain::machine::Machine;
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::ledger::Batch;

use crate::core::{Answer, FrameProposal, FrameTicket, Rejection, Submission};
use crate::ports::{Answers, Ports};
use crate::status::Number;

/// Questions for a sequence's actor, as many as have gathered.
///
/// It cannot be lost: what is still in it when it is dropped (because a mailbox was full, or its
/// actor died) is answered.
#[derive(Debug)]
pub struct Submit<M: Machine> {
    submissions: std::vec::IntoIter<Submission<M>>,
    ports: Ports<M>,
    waiting: Option<Arc<Number>>,
}

impl<M: Machine> Message for Submit<M> {
    type Result = ();
}

impl<M: Machine> Submit<M> {
    /// Questions, and the ports at which their answers are awaited.
    pub fn new(submissions: Vec<Submission<M>>, ports: Ports<M>) -> Self {
        Self { submissions: submissions.into_iter(), ports, waiting: None }
    }

    /// The same, counted here until it is worked off or dropped.
    #[must_use]
    pub fn counted(mut self, waiting: Option<Arc<Number>>) -> Self {
        if let Some(waiting) = &waiting {
            waiting.add(1);
        }
        self.waiting = waiting;
        self
    }

    /// The questions that were not taken yet.
    pub fn left(&self) -> &[Submission<M>] {
        self.submissions.as_slice()
    }

    /// Takes the next question, for somebody who will answer it. What is not taken is answered
    /// when this is dropped.
    pub fn next_submission(&mut self) -> Option<Submission<M>> {
        self.submissions.next()
    }
}

impl<M: Machine> Drop for Submit<M> {
    fn drop(&mut self) {
        if let Some(waiting) = &self.waiting {
            waiting.subtract(1);
        }
        let reject =
            |submission: Submission<M>| (submission.token, Answer::Rejected(Rejection::Overloaded));
        let answers: Answers<M> = self.submissions.by_ref().map(reject).collect();
        if !answers.is_empty() {
            self.ports.answer(answers);
        }
    }
}

/// A frame for the journal.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Append {
    /// Whose entries they are.
    pub sequence: SequenceId,
    /// The frame.
    pub frame: FrameProposal,
    /// Who wants to know what became of it.
    pub reply_to: Recipient<JournalAnswer>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub enum JournalAnswer {
    /// The journal has it.
    Committed(FrameTicket),
    /// The journal certainly does not have it, since the disk is full.
    NotAppended(FrameTicket),
    /// Nobody knows; the process is about to end.
    Unknown,
    /// There is space on the disk again.
    DiskHasSpace,
}

/// Says that a snapshot no longer needs the journal's entries up to a number.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Release {
    /// The sequence.
    pub sequence: SequenceId,
    /// The last entry that is no longer needed.
    pub through: u64,
}

/// Outcomes for the ledger.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Keep(pub Batch);

/// Says how far the ledger durably has a sequence.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LedgerCovers {
    /// The sequence.
    pub sequence: SequenceId,
    /// The last entry that it has.
    pub through: u64,
}

/// A state to be kept as a snapshot.
#[derive(Debug)]
pub struct TakeSnapshot<M: Machine> {
    /// Whose state it is.
    pub sequence: SequenceId,
    /// The state.
    pub machine: M,
    /// Who wants to know when it is done with.
    pub reply_to: Recipient<SnapshotDone>,
}

impl<M: Machine> Message for TakeSnapshot<M> {
    type Result = ();
}

/// A snapshot was published, or could not be.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct SnapshotDone {
    /// The entry at which it was published; `None` when it failed.
    pub published: Option<u64>,
}

/// An operator says that the clock is right. Answered by a sequence with whether it was kept from
/// anything by a leap, and by all of them together with how many were.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "usize")]
pub struct BelieveClock;

/// Do now what otherwise waits for its time, and stop: the server is ending.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Finish;
