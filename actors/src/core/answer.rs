//! What can be asked of a sequence, and what it answers.

use redeemd_domain::entry::Entry;
use redeemd_domain::machine::{Machine, Outcome};
use redeemd_domain::timestamp::Timestamp;

/// Where an answer belongs. The sequence gives it back unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// Whose question it was.
    pub port: PortId,
    /// Which of that one's questions.
    pub ticket: u64,
}

/// One of those who ask: an HTTP worker, a background task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u32);

/// One question.
#[derive(Debug)]
pub struct Submission<M: Machine> {
    /// Where the answer belongs.
    pub token: Token,
    /// What is asked.
    pub ask: Ask<M>,
}

/// What can be asked.
#[derive(Debug)]
pub enum Ask<M: Machine> {
    /// Do something; the answer is durable.
    Do(M::Command),
    /// Do what somebody else waits for: it passes the bounds that commands otherwise have, so
    /// that what is under way can always be ended. Whoever asks bounds it.
    Insist(M::Command),
    /// Tell something, from the state that the journal already holds.
    Tell(M::Query),
}

/// What is answered.
#[derive(Debug)]
pub enum Answer<M: Machine> {
    /// What came of the command.
    Outcome(Outcome<M>),
    /// What is said to the question. It is rare beside outcomes and larger than they are, and every
    /// answer is moved several times on its way: so it stands in a box.
    Reply(Box<M::Reply>),
    /// The command was certainly not carried out. It may be sent again.
    Rejected(Rejection),
    /// The command may have been carried out or not; only asking again with the same idempotency
    /// key tells.
    Unknown(Proposed),
}

/// The entry that a command of unknown outcome would have become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// Its number.
    pub number: u64,
    /// Its stamp.
    pub at: Timestamp,
}

impl<C> From<&Entry<C>> for Proposed {
    fn from(entry: &Entry<C>) -> Self {
        Self { number: entry.number, at: entry.at }
    }
}

/// Why a command was certainly not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// There is more to do than fits.
    Overloaded,
    /// Nothing can be changed at present.
    ReadOnly(ReadOnly),
    /// The sequence is being rebuilt, or the server is ending.
    Unavailable,
}

/// Why nothing can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadOnly {
    /// The disk is full, or cannot be used.
    DiskFull,
    /// The wall clock leapt ahead, and nobody has said that it is right.
    ClockLeap,
    /// As much waits to be copied elsewhere as may wait.
    BacklogFull,
}
