//! How far a state machine has come: what each of them keeps, whatever it is about.

use std::sync::Arc;

use crate::entry::Entry;
use crate::identifier::ApiKeyNumber;
use crate::invariant::Invariant;
use crate::machine::{Machine, Outcome, Recorded};
use crate::recent::Recent;
use crate::record::Record;
use crate::request::Request;
use crate::timestamp::Timestamp;

/// The number and the time of the last entry, and the memory of recent requests.
#[derive(Clone, Debug)]
pub struct Progress<R> {
    last: u64,
    time: Timestamp,
    recent: Recent<R>,
}

/// What everything that an entry does knows of the entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    /// Its number.
    pub(crate) number: u64,
    /// Its time.
    pub(crate) at: Timestamp,
}

impl<R> Default for Progress<R> {
    fn default() -> Self {
        Self { last: 0, time: Timestamp::default(), recent: Recent::default() }
    }
}

impl<R: Recorded> Progress<R> {
    /// The progress that a snapshot kept; `None` when the records cannot be those of recent
    /// requests, as [`Recent::restore`] says.
    pub(crate) fn restore(
        last: u64,
        time: Timestamp,
        forgotten: u64,
        records: impl IntoIterator<Item = R>,
    ) -> Option<Self> {
        Some(Self { last, time, recent: Recent::restore(forgotten, last, records)? })
    }

    /// The number of the last entry; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The latest time that an entry was stamped with.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What is remembered of recent requests.
    pub fn recent(&self) -> &Recent<R> {
        &self.recent
    }

    /// Goes on to the next entry, and forgets what the ledger has by now.
    pub(crate) fn enter<C>(&mut self, entry: &Entry<C>) -> Stamp {
        Invariant::EntriesInOrder.check(entry.number == self.last + 1);
        Invariant::TimeNeverRunsBackwards.check(entry.at >= self.time);
        self.last = entry.number;
        self.time = entry.at.max(self.time);
        self.recent.forget(entry.covered);
        Stamp { number: entry.number, at: entry.at }
    }

    /// Comes to an entry without it being given, with everything up to there in the ledger: for a
    /// machine that is brought back from its records.
    pub(crate) fn come_to(&mut self, last: u64, time: Timestamp) {
        (self.last, self.time) = (last, time);
        self.recent.forget(last);
    }

    /// Remembers what came of the entry, if it answers a request with a key.
    pub(crate) fn remember<M: Machine<Record = R>>(&mut self, outcome: &Outcome<M>) {
        if let Outcome::Done(record) = outcome {
            self.recent.remember(record);
        }
    }
}

impl Stamp {
    /// The outcome of the entry, where it changed something.
    pub(crate) fn done<M, E>(
        self,
        api_key: ApiKeyNumber,
        request: Option<Request>,
        event: E,
    ) -> Outcome<M>
    where
        M: Machine<Record = Record<E>>,
    {
        let request = request.map(|request| (request.digest, request.fingerprint));
        let Self { number, at } = self;
        Outcome::Done(Arc::new(Record { number, at, api_key, request, event }))
    }
}
