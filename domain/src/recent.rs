//! The memory of recent requests: the records of what the ledger does not durably cover yet.
//!
//! It is part of a machine's state, so that a request repeated right after a crash, or at a
//! follower, still gets its first answer. It forgets only when an entry says how far the ledger
//! has come, so that every replica forgets alike; so it does not grow with the number of
//! redemptions, only with how far the ledger is behind.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::invariant::Invariant;
use crate::machine::{Recollection, Recorded};
use crate::request::{Request, RequestDigest};

/// Records of keyed requests, in the order of their entries.
#[derive(Clone, Debug)]
pub struct Recent<R> {
    forgotten: u64,
    records: VecDeque<Arc<R>>,
    /// Which of all records that were ever kept each is, the first being 0. Found again from
    /// `records`, hence no part of the canonical state.
    by_digest: HashMap<RequestDigest, u64, ahash::RandomState>,
    /// How many records were kept and are forgotten, and so which one is the first of `records`.
    gone: u64,
}

impl<R> Default for Recent<R> {
    fn default() -> Self {
        Self { forgotten: 0, records: VecDeque::new(), by_digest: HashMap::default(), gone: 0 }
    }
}

impl<R: Recorded> Recent<R> {
    /// The memory as a snapshot at the entry `last` kept it; `None` when the records cannot be
    /// those of such a memory: out of order, without a key, forgotten, or not yet made.
    pub fn restore(
        forgotten: u64,
        last: u64,
        records: impl IntoIterator<Item = R>,
    ) -> Option<Self> {
        let mut recent = Self { forgotten, ..Self::default() };
        let mut previous = forgotten;
        for record in records {
            let number = record.number();
            if record.request().is_none() || number <= previous || number > last {
                return None;
            }
            previous = number;
            recent.remember(&Arc::new(record));
        }
        (recent.by_digest.len() == recent.records.len()).then_some(recent)
    }

    /// Up to which entry everything is forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What is remembered, oldest first.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &Arc<R>> {
        self.records.iter()
    }

    /// Keeps a record, if it answers a request with a key.
    pub fn remember(&mut self, record: &Arc<R>) {
        if let Some((digest, _)) = record.request() {
            Invariant::ForgottenOnlyGrows.check(record.number() > self.forgotten);
            self.by_digest.insert(digest, self.gone + self.records.len() as u64);
            self.records.push_back(Arc::clone(record));
        }
    }

    /// Forgets everything up to an entry that the ledger durably covers. A lower number than
    /// before changes nothing.
    pub fn forget(&mut self, through: u64) {
        if through <= self.forgotten {
            return;
        }
        self.forgotten = through;
        while self.records.front().is_some_and(|record| record.number() <= through) {
            let Some(record) = self.records.pop_front() else { break };
            self.gone += 1;
            if let Some((digest, _)) = record.request() {
                self.by_digest.remove(&digest);
            }
        }
        if self.records.is_empty() && self.records.capacity() > 1024 {
            self.records.shrink_to(1024);
            self.by_digest.shrink_to(1024);
        }
    }

    /// The record that answers a request, whatever its body said.
    pub fn find(&self, request: &RequestDigest) -> Option<&Arc<R>> {
        let place = self.by_digest.get(request)?.checked_sub(self.gone)?;
        self.records.get(usize::try_from(place).ok()?)
    }

    /// Looks for a request.
    pub fn recall(&self, request: &Request) -> Recollection<R> {
        match self.find(&request.digest) {
            None => Recollection::Unknown,
            Some(record) => Recollection::of(Arc::clone(record), request),
        }
    }
}
