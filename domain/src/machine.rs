//! What the control sequence and the shards have in common: a state that changes in one function,
//! from entries that the journal already holds.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::entry::Entry;
use crate::progress::Progress;
use crate::request::{Fingerprint, Request, RequestDigest};
use crate::timestamp::Timestamp;

/// A deterministic state machine.
///
/// [`Machine::apply`] is the only way to change it, and reads nothing but the state and the entry:
/// no clock, no randomness, no iteration order of a hash table. The same entries give the same
/// [`Machine::digest`] on any machine, whether they were lived through, replayed, or begun from a
/// snapshot.
pub trait Machine: Clone + Send + Sync + Unpin + fmt::Debug + 'static {
    /// What the machine can be asked to do.
    type Command: Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Unpin + 'static;
    /// What comes of it when something changes; the ledger keeps it.
    type Record: Recorded;
    /// What a command is told that left no record: a step on the way to something.
    type Acknowledgement: Clone + fmt::Debug + PartialEq + Send + Sync + Unpin + 'static;
    /// Why nothing comes of it.
    type Refusal: Copy + fmt::Debug + PartialEq + Send + Unpin + 'static;
    /// What the machine can be asked without an entry.
    type Query: fmt::Debug + Send + Unpin + 'static;
    /// What it says to that, from the state that the journal already holds.
    type Reply: fmt::Debug + Send + Unpin + 'static;

    /// How far it has come.
    fn progress(&self) -> &Progress<Self::Record>;

    /// The number of the last entry applied; 0 before the first.
    fn last(&self) -> u64 {
        self.progress().last()
    }

    /// The stamp of the last entry applied.
    fn time(&self) -> Timestamp {
        self.progress().time()
    }

    /// Up to which number the records of keyed requests are forgotten here, because the ledger
    /// durably has them.
    fn forgotten(&self) -> u64 {
        self.progress().recent().forgotten()
    }

    /// How many records of keyed requests are held for the ledger's sake.
    fn remembered(&self) -> usize {
        self.progress().recent().records().len()
    }

    /// What is under way here that another sequence has to hear of.
    fn unfinished(&self) -> Unfinished {
        Unfinished::default()
    }

    /// Applies the next entry.
    fn apply(&mut self, entry: Entry<Self::Command>) -> Outcome<Self>;

    /// Reads, for no other reason than that the processor then has it at hand, what a command will be
    /// judged by. Whoever has several commands says so of all of them first: then their waits for the
    /// memory are one wait, and not one after the other.
    fn bring_up(&self, _command: &Self::Command) {}

    /// Answers a command without an entry, where the present state already settles that it would
    /// change nothing. `None` means that only an entry can tell.
    fn foresee(&self, command: &Self::Command, now: Timestamp) -> Option<Outcome<Self>>;

    /// Answers a question at a time, and changes nothing.
    fn reply(&self, query: &Self::Query, now: Timestamp) -> Self::Reply;

    /// How many uses of codes are held for users, where the machine is one of codes.
    fn held(&self) -> u64 {
        0
    }

    /// The commands by which what should have happened by a time, without anybody asking for it,
    /// happens; in the order in which they are to be given. Most times there are none, and that is
    /// quickly said. What is given once too often changes nothing.
    fn due(&self, _at: Timestamp) -> Vec<Self::Command> {
        Vec::new()
    }

    /// Whether a command is taken although nothing new is: one that only takes away what somebody
    /// could do, or tells a sequence what another one has decided. There is an end to such commands,
    /// since what would allow it again is not among them.
    fn takes_away(_command: &Self::Command) -> bool {
        false
    }

    /// The command that does nothing but carry the ledger's position into the state.
    fn advance() -> Self::Command;

    /// Hands the canonical encoding of the state to `write`, section by section, none of them
    /// large. Equal states have equal sections, whatever history led to them.
    ///
    /// # Errors
    /// Only those of `write`.
    fn encode<E>(&self, write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E>;

    /// SHA-256 over the canonical encoding of the state.
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let result: Result<(), Infallible> = self.encode(|section| {
            hash.update((section.len() as u64).to_le_bytes());
            hash.update(section);
            Ok(())
        });
        match result {
            Ok(()) => hash.finalize().into(),
        }
    }
}

/// What is under way between a machine and others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Claims on uses of users of which it is not known what became of them.
    pub claims: usize,
    /// When the oldest of them was made.
    pub oldest_claim: Option<Timestamp>,
    /// Uses that are owed back to users.
    pub owed: usize,
}

/// Builds a machine again from the sections that [`Machine::encode`] wrote.
pub trait Decode: Sized {
    /// The machine that comes out.
    type Machine: Machine;

    /// Takes the next section.
    ///
    /// # Errors
    /// When the section is not what belongs there.
    fn section(&mut self, bytes: &[u8]) -> Result<(), DecodeError>;

    /// Ends with the machine.
    ///
    /// # Errors
    /// When sections are missing.
    fn finish(self) -> Result<Self::Machine, DecodeError>;
}

/// Why sections do not make a machine.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The encoding is of a newer version.
    #[error("the state has format version {found}, and this version reads up to {known}")]
    Newer {
        /// The version that was found.
        found: u8,
        /// The newest that can be read.
        known: u8,
    },
    /// It is the state of another sequence, or of a directory with another number of shards.
    #[error("the state is of {found}, and {wanted} was to be read")]
    Other {
        /// What was found.
        found: String,
        /// What was wanted.
        wanted: String,
    },
    /// A section is not what this format has in its place.
    #[error("section {0} of the state is malformed")]
    Malformed(usize),
    /// Sections are missing at the end.
    #[error("the state ends after {0} sections")]
    Incomplete(usize),
}

/// A record of something that happened, as the ledger keeps it.
pub trait Recorded:
    fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The number of the entry that made it.
    fn number(&self) -> u64;

    /// The request that it answers, when the client gave one a key.
    fn request(&self) -> Option<(RequestDigest, Fingerprint)>;
}

/// What came of a command.
#[derive(Debug)]
pub enum Outcome<M: Machine> {
    /// Something changed.
    Done(Arc<M::Record>),
    /// The request was answered before, and this was the answer. Nothing changed.
    Replayed(Arc<M::Record>),
    /// It was so already. Nothing changed.
    Unchanged,
    /// It was a step that leaves no record, and this came of it. Whether something changed is said
    /// where the acknowledgement is declared.
    Acknowledged(M::Acknowledgement),
    /// It was refused. Nothing changed.
    Refused(M::Refusal),
    /// The ledger must be searched for the request first, at least up to this entry; then the
    /// command may be sent again. Nothing changed.
    SearchLedger {
        /// The entry up to which the ledger must be searched.
        through: u64,
    },
}

impl<M: Machine> Clone for Outcome<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Done(record) => Self::Done(Arc::clone(record)),
            Self::Replayed(record) => Self::Replayed(Arc::clone(record)),
            Self::Unchanged => Self::Unchanged,
            Self::Acknowledged(told) => Self::Acknowledged(told.clone()),
            Self::Refused(refusal) => Self::Refused(*refusal),
            Self::SearchLedger { through } => Self::SearchLedger { through: *through },
        }
    }
}

impl<M: Machine> PartialEq for Outcome<M> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Done(one), Self::Done(two)) | (Self::Replayed(one), Self::Replayed(two)) => {
                one == two
            }
            (Self::Unchanged, Self::Unchanged) => true,
            (Self::Acknowledged(one), Self::Acknowledged(two)) => one == two,
            (Self::Refused(one), Self::Refused(two)) => one == two,
            (Self::SearchLedger { through: one }, Self::SearchLedger { through: two }) => {
                one == two
            }
            _ => false,
        }
    }
}

/// What the memory of recent requests knows of one.
#[derive(Debug)]
pub enum Recollection<R> {
    /// It was answered with this record.
    Answered(Arc<R>),
    /// It was answered, but to another body.
    Reused,
    /// It is not among what is remembered here.
    Unknown,
}

impl<R> Recollection<R> {
    /// Judges a record that was found for a request, here or in the ledger.
    pub fn of(record: Arc<R>, request: &Request) -> Self
    where
        R: Recorded,
    {
        match record.request() {
            Some((digest, fingerprint)) if digest == request.digest => {
                if fingerprint == request.fingerprint {
                    Self::Answered(record)
                } else {
                    Self::Reused
                }
            }
            _ => Self::Unknown,
        }
    }
}
