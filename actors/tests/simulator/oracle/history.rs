//! What the journal holds of one sequence, and what must have come of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use redeemd_actors::core::{Answer, Applied, FrameProposal, Token};
use redeemd_domain::entry::{self, Entry};
use redeemd_domain::machine::{Outcome, Recorded as _};
use redeemd_domain::request::{Fingerprint, RequestDigest};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::journal::{Frame, Journal};
use redeemd_persistence::ledger::LedgerReader;

use super::modelled::{Modelled, Moment, Stamp};
use crate::attempts::Attempts;

/// A frame that the journal durably has.
#[derive(Debug)]
struct Stored {
    first: u64,
    count: u32,
    payload: Vec<u8>,
}

/// The history of one sequence.
#[derive(Debug)]
pub(crate) struct History<M: Modelled> {
    sequence: SequenceId,
    model: M::Model,
    last: u64,
    time: Timestamp,
    forgotten: u64,
    /// What happened, by the number of its entry.
    records: BTreeMap<u64, Arc<M::Record>>,
    requests: HashMap<RequestDigest, (u64, Fingerprint)>,
    /// Everything that the journal said it has, in order.
    log: Vec<Stored>,
    /// The entries of the frames that the core was not told of yet.
    written: VecDeque<Vec<Entry<M::Command>>>,
    /// Up to where the ledger was compared.
    compared: u64,
}

impl<M: Modelled> History<M> {
    pub(crate) fn new(layout: ShardLayout, sequence: SequenceId) -> Self {
        Self {
            sequence,
            model: M::model(layout, sequence),
            last: 0,
            time: Timestamp::default(),
            forgotten: 0,
            records: BTreeMap::new(),
            requests: HashMap::new(),
            log: Vec::new(),
            written: VecDeque::new(),
            compared: 0,
        }
    }

    pub(crate) fn model(&self) -> &M::Model {
        &self.model
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn record(&self, number: u64) -> Option<&Arc<M::Record>> {
        self.records.get(&number)
    }

    /// The record that answers a request, if any does.
    pub(crate) fn answer_to(&self, digest: &RequestDigest) -> Option<&Arc<M::Record>> {
        self.requests.get(digest).and_then(|(number, _)| self.records.get(number))
    }

    /// The journal said that it durably has a frame.
    pub(crate) fn written(&mut self, proposal: &FrameProposal, attempts: &mut Attempts) {
        let entries = self.store(proposal.first, proposal.count, &proposal.payload, attempts);
        self.written.push_back(entries);
    }

    /// The core was told that the journal has the next frame; checks all that it made of it.
    pub(crate) fn committed(&mut self, answers: &[(Token, Answer<M>)], applied: &[Applied<M>]) {
        let entries = self.written.pop_front().expect("the core is told of frames that are there");
        let [applied] = applied else { panic!("{} runs were applied", applied.len()) };
        assert_eq!(applied.first, self.last + 1, "{} applied something else", self.sequence);
        let mut records = applied.records.iter();
        let mut answers = answers.iter();
        for entry in entries {
            let is_awaited = M::is_awaited(&entry.command);
            let number = entry.number;
            let outcome = self.apply(entry);
            if is_awaited {
                let answer = answers.next().map(|(_, answer)| answer);
                let Some(Answer::Outcome(answer)) = answer else {
                    panic!("entry {number} of {} is answered {answer:?}", self.sequence)
                };
                assert_eq!(*answer, outcome, "entry {number} of {}", self.sequence);
            }
            if let Outcome::Done(record) = outcome {
                assert_eq!(records.next(), Some(&record), "the record of entry {number}");
            }
        }
        assert_eq!((records.next(), answers.next().is_none()), (None, true), "one too many");
        assert_eq!(applied.last, self.last, "{} applied something else", self.sequence);
    }

    /// Checks an outcome that was given at once, from the state as it is.
    pub(crate) fn check_foreseen(
        &self,
        command: &M::Command,
        at: Option<Timestamp>,
        outcome: &Outcome<M>,
    ) {
        let at = at.unwrap_or(self.time).max(self.time);
        let expected = self.predict(
            command,
            Stamp { number: 0, at, moment: Moment::Foresight },
            self.forgotten,
        );
        assert!(!matches!(expected, Outcome::Done(_)), "{command:?} was refused: {outcome:?}");
        assert_eq!(*outcome, expected, "{command:?} of {} at {at:?}", self.sequence);
    }

    /// Checks that a reply tells the state as it is.
    pub(crate) fn check_reply(&self, query: &M::Query, reply: &M::Reply, at: Option<Timestamp>) {
        M::check_reply(&self.model, query, reply, at.unwrap_or(self.time).max(self.time));
    }

    /// A machine was brought back. `before` is what it was when it was last seen: living on through
    /// what the journal holds beyond that must lead to the very same state.
    pub(crate) fn resume(
        &mut self,
        mut before: M,
        after: &M,
        journal: &dyn Journal,
        attempts: &mut Attempts,
    ) -> u64 {
        let sequence = self.sequence;
        assert_eq!(before.last(), self.last);
        self.written.clear();
        let logged = self.log.last().map_or(0, |stored| stored.first - 1 + u64::from(stored.count));
        let mut found = Vec::new();
        let mut reader = journal.reader().expect("the journal is read");
        reader
            .read(sequence, self.last, &mut |frame: Frame<'_>| {
                let (first, count) = (frame.first, frame.count);
                found.push(Stored { first, count, payload: frame.payload.to_vec() });
                Ok(())
            })
            .expect("the journal has what is not in a snapshot");
        let mut resolved = 0;
        for Stored { first, count, payload } in found {
            if first <= logged {
                let known = self.log.iter().rev().find(|stored| stored.first == first);
                let known = known.map(|stored| (stored.count, &stored.payload));
                assert_eq!(known, Some((count, &payload)), "the journal of {sequence} changed");
            } else {
                resolved += u64::from(count);
                self.store(first, count, &payload, attempts);
            }
            let decoded = entry::decode::<M::Command>(&payload, first, count, |entry| {
                if entry.number > before.last() {
                    let lived = before.apply(entry.clone());
                    let expected = self.apply(entry);
                    assert_eq!(lived, expected, "an entry of {sequence} that was not answered");
                }
            });
            decoded.expect("the journal has entries");
        }
        assert!(self.last >= logged, "{sequence} ends at {}, but {logged} was durable", self.last);
        assert_eq!(after.last(), self.last, "{sequence} came back with another last entry");
        assert_eq!(after.digest(), before.digest(), "{sequence} came back as another state");
        resolved
    }

    /// Compares the ledger from where it was compared last (from the beginning if `all`) up to
    /// `through`.
    pub(crate) fn compare_ledger(&mut self, ledger: &LedgerReader, through: u64, all: bool) {
        let mut after = if all { 0 } else { self.compared.min(through) };
        if after >= through {
            return;
        }
        let mut expected = self.records.range(after + 1..=through);
        while after < through {
            let page = ledger.scan(self.sequence, after, 256).expect("the ledger reads");
            assert!(
                page.through > after,
                "the ledger of {} ends at {after}, before {through}",
                self.sequence
            );
            for found in page.records.iter().filter(|found| found.position.number <= through) {
                let record = M::read_record(&found.bytes);
                let expected = expected.next().map(|(_, record)| &**record);
                assert_eq!(Some(&record), expected, "the ledger's record at {}", found.position);
                assert_eq!(record.number(), found.position.number);
            }
            after = page.through;
        }
        let missing = expected.next();
        assert_eq!(missing, None, "the ledger of {} lacks it", self.sequence);
        self.compared = self.compared.max(through);
    }

    /// Compares a machine that has everything: with the model, and with a machine that lives
    /// through all entries from the first.
    pub(crate) fn compare_machine(&self, machine: &M, layout: ShardLayout) {
        assert_eq!(machine.last(), self.last);
        M::compare(&self.model, machine);
        let mut fresh = M::fresh(layout, self.sequence).expect("there is such a sequence");
        for Stored { first, count, payload } in &self.log {
            let apply = |entry| drop(fresh.apply(entry));
            entry::decode(payload, *first, *count, apply).expect("they were read before");
        }
        assert_eq!(fresh.digest(), machine.digest(), "{} replayed from its start", self.sequence);
    }

    fn store(
        &mut self,
        first: u64,
        count: u32,
        payload: &[u8],
        attempts: &mut Attempts,
    ) -> Vec<Entry<M::Command>> {
        let expected = self.log.last().map_or(1, |stored| stored.first + u64::from(stored.count));
        assert_eq!(first, expected, "the journal of {} does not go on", self.sequence);
        let mut entries = Vec::with_capacity(count as usize);
        entry::decode(payload, first, count, |entry: Entry<M::Command>| {
            let position = Position { sequence: self.sequence, number: entry.number };
            if let Some(attempt) = M::attempt(&entry.command) {
                attempts.logged(attempt, position, entry.at);
            }
            entries.push(entry);
        })
        .expect("the core writes entries that read");
        self.log.push(Stored { first, count, payload: payload.to_vec() });
        entries
    }

    fn apply(&mut self, entry: Entry<M::Command>) -> Outcome<M> {
        let Entry { number, at, covered, command } = entry;
        assert_eq!(number, self.last + 1, "{} has a gap", self.sequence);
        assert!(at >= self.time, "the time of {} runs backwards", self.sequence);
        assert!(covered < number, "{} covers what has not happened", self.sequence);
        self.forgotten = self.forgotten.max(covered);
        let outcome =
            self.predict(&command, Stamp { number, at, moment: Moment::Entry }, self.forgotten);
        M::absorb(&mut self.model, &command, at, &outcome);
        (self.last, self.time) = (number, at);
        if let Outcome::Done(record) = &outcome {
            if let Some((digest, fingerprint)) = record.request() {
                let before = self.requests.insert(digest, (number, fingerprint));
                assert_eq!(before, None, "a request was carried out twice, now as {number}");
            }
            self.records.insert(number, Arc::clone(record));
        }
        outcome
    }

    fn predict(&self, command: &M::Command, stamp: Stamp, forgotten: u64) -> Outcome<M> {
        if let Some(outcome) = M::foremost(&self.model, command) {
            return outcome;
        }
        let Some(request) = M::request(command) else {
            return M::judge(&self.model, command, stamp);
        };
        let known = self.requests.get(&request.digest);
        if let Some(&(number, fingerprint)) = known.filter(|(number, _)| *number > forgotten) {
            if fingerprint != request.fingerprint {
                return M::reused();
            }
            return Outcome::Replayed(Arc::clone(&self.records[&number]));
        }
        if request.searched < forgotten && M::must_be_searched(&self.model, command) {
            return Outcome::SearchLedger { through: forgotten };
        }
        assert_eq!(known, None, "the ledger was searched in vain for what it has: {command:?}");
        M::judge(&self.model, command, stamp)
    }
}
