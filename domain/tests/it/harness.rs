//! Drives a state machine as its actor would: numbers and stamps entries, keeps a ledger, searches
//! it when told to, and lets its durable coverage lag behind.

use std::sync::Arc;

use redeemd_domain::control::{self, Control};
use redeemd_domain::entry::{self, Entry};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Decode, DecodeError, Machine, Outcome, Recollection, Recorded};
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};
use redeemd_domain::shard::{self, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;

/// The shard under test: the fourth of eight, with the slots 384 to 511.
pub(crate) const LAYOUT: ShardLayout = ShardLayout::new(8).unwrap();
pub(crate) const SHARD: u16 = 3;

/// A machine that can be tested.
pub(crate) trait Subject: Machine {
    fn fresh() -> Self;
    fn decode(sections: &[Vec<u8>]) -> Result<Self, DecodeError>;
    fn request(command: &Self::Command) -> Option<Request>;
    fn set_searched(command: &mut Self::Command, through: u64);
}

/// The machine of these sections.
pub(crate) fn decode_with<D: Decode>(
    mut decoder: D,
    sections: &[Vec<u8>],
) -> Result<D::Machine, DecodeError> {
    sections.iter().try_for_each(|section| decoder.section(section))?;
    decoder.finish()
}

impl Subject for Shard {
    fn fresh() -> Self {
        Self::new(LAYOUT, SHARD)
    }
    fn decode(sections: &[Vec<u8>]) -> Result<Self, DecodeError> {
        decode_with(shard::Decoder::new(LAYOUT, SHARD), sections)
    }
    fn request(command: &shard::Command) -> Option<Request> {
        command.request().copied()
    }
    fn set_searched(command: &mut shard::Command, through: u64) {
        command.set_searched(through);
    }
}

impl Subject for Control {
    fn fresh() -> Self {
        Self::new()
    }
    fn decode(sections: &[Vec<u8>]) -> Result<Self, DecodeError> {
        decode_with(control::Decoder::default(), sections)
    }
    fn request(command: &control::Command) -> Option<Request> {
        command.asked()?.request
    }
    fn set_searched(command: &mut control::Command, through: u64) {
        command.set_searched(through);
    }
}

/// The sections of a machine's encoding.
pub(crate) fn sections<M: Machine>(machine: &M) -> Vec<Vec<u8>> {
    let mut sections = Vec::new();
    let result: Result<(), ()> = machine.encode(|section| {
        sections.push(section.to_vec());
        Ok(())
    });
    result.unwrap();
    sections
}

/// A request of API key 1. `subject` is what the request is about.
pub(crate) fn request(key: u8, subject: &[u8], body: u8) -> Request {
    Request {
        digest: RequestDigest::new(ApiKeyNumber(1), &[key], subject),
        fingerprint: Fingerprint::new(&[Some(&[body])]),
        searched: 0,
    }
}

/// How a command reaches the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// The actor takes an early answer where there is one.
    pub(crate) early: bool,
    /// The ledger's coverage moves on while a search of it is under way.
    pub(crate) overtaken: bool,
}

/// A machine with its journal and ledger.
pub(crate) struct Harness<M: Subject> {
    pub(crate) machine: M,
    pub(crate) entries: Vec<Entry<M::Command>>,
    pub(crate) outcomes: Vec<Outcome<M>>,
    pub(crate) covered: u64,
    pub(crate) now: u64,
    ledger: Vec<Arc<M::Record>>,
}

impl<M: Subject> Harness<M> {
    pub(crate) fn new() -> Self {
        let (entries, outcomes, ledger) = (Vec::new(), Vec::new(), Vec::new());
        Self { machine: M::fresh(), entries, outcomes, covered: 0, now: 1000, ledger }
    }

    /// Lets the ledger durably cover this share, in 255ths, of what it does not cover yet.
    pub(crate) fn cover(&mut self, share: u8) {
        self.covered += (self.machine.last() - self.covered) * u64::from(share) / 255;
    }

    /// Applies a command as the next entry.
    pub(crate) fn apply(&mut self, command: M::Command) -> Outcome<M> {
        let at = Timestamp(self.now).max(self.machine.time());
        let number = self.machine.last() + 1;
        let entry = Entry { number, at, covered: self.covered, command };
        self.entries.push(entry.clone());
        let outcome = self.machine.apply(entry);
        assert_eq!((self.machine.last(), self.machine.time()), (number, at));
        assert_eq!(self.machine.forgotten(), self.covered);
        if let Outcome::Done(record) = &outcome {
            assert_eq!((record.number(), self.machine.last()), (number, number));
            self.ledger.push(Arc::clone(record));
        }
        self.outcomes.push(outcome.clone());
        outcome
    }

    /// Sees a command through to its final answer.
    pub(crate) fn submit(&mut self, mut command: M::Command, manner: Manner) -> Outcome<M> {
        for attempt in 0..4 {
            let foreseen = self.foresee(&command);
            let outcome = match foreseen {
                Some(outcome) if manner.early => outcome,
                _ => self.apply(command.clone()),
            };
            let Outcome::SearchLedger { through } = outcome else { return outcome };
            assert!(through <= self.covered, "told to search what the ledger does not have");
            let request = M::request(&command).expect("only keyed requests need a search");
            match self.search(&request) {
                Recollection::Answered(record) => return Outcome::Replayed(record),
                // Whoever compares this knows that the machine would have said the same.
                Recollection::Reused => return Outcome::SearchLedger { through: u64::MAX },
                Recollection::Unknown => M::set_searched(&mut command, self.covered),
            }
            if manner.overtaken && attempt == 0 {
                self.apply(M::advance());
                self.cover(255);
            }
        }
        panic!("the machine kept asking for a search that had been made");
    }

    /// What the machine foresees, checked against what it would do.
    fn foresee(&self, command: &M::Command) -> Option<Outcome<M>> {
        let at = Timestamp(self.now);
        let foreseen = self.machine.foresee(command, at)?;
        let mut machine = self.machine.clone();
        let at = at.max(machine.time());
        let (number, covered) = (machine.last() + 1, machine.forgotten());
        let done = machine.apply(Entry { number, at, covered, command: command.clone() });
        assert_eq!(foreseen, done, "foreseen otherwise than done: {command:?}");
        assert!(!matches!(done, Outcome::Done(_)), "foresaw a change: {command:?}");
        Some(foreseen)
    }

    fn search(&self, request: &Request) -> Recollection<M::Record> {
        let covered = self.ledger.iter().take_while(|record| record.number() <= self.covered);
        let found = covered.map(|record| Recollection::of(Arc::clone(record), request));
        let mut found = found.filter(|found| !matches!(found, Recollection::Unknown));
        let first = found.next().unwrap_or(Recollection::Unknown);
        assert!(found.next().is_none(), "the ledger answers one request twice");
        first
    }

    /// Asserts what holds after any history: the same entries give the same state and outcomes,
    /// lived through, replayed from frames, or begun from a snapshot at any point.
    pub(crate) fn check_replay(&self, frame: usize, snapshot: usize)
    where
        M::Command: PartialEq,
    {
        let digest = self.machine.digest();
        let snapshot = snapshot % (self.entries.len() + 1);
        let mut machine = M::fresh();
        let mut outcomes = Vec::new();
        for (place, entry) in through_frames(&self.entries, frame).into_iter().enumerate() {
            if place == snapshot {
                machine = self.check_round_trip(&machine);
            }
            outcomes.push(machine.apply(entry));
        }
        assert!(outcomes == self.outcomes, "a replay had other outcomes");
        assert_eq!(machine.digest(), digest, "a replay reached another state");
        assert_eq!(self.check_round_trip(&self.machine).digest(), digest);
    }

    fn check_round_trip(&self, machine: &M) -> M {
        let written = sections(machine);
        let again = M::decode(&written).unwrap();
        assert!(sections(&again) == written, "a decoded state encodes otherwise");
        again
    }
}

/// Entries as they come out of frames of a size.
fn through_frames<C>(entries: &[Entry<C>], frame: usize) -> Vec<Entry<C>>
where
    C: serde::Serialize + serde::de::DeserializeOwned + Clone + PartialEq + std::fmt::Debug,
{
    let mut read = Vec::new();
    for frame in entries.chunks(frame.max(1)) {
        let mut payload = Vec::new();
        entry::begin(&mut payload);
        frame.iter().for_each(|entry| entry::encode(entry, &mut payload).unwrap());
        let count = u32::try_from(frame.len()).unwrap();
        entry::decode(&payload, frame[0].number, count, |entry| read.push(entry)).unwrap();
    }
    assert_eq!(read, entries);
    read
}
