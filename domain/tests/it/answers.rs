//! What a naive machine remembers of keyed requests: all of them, for ever.

use std::collections::HashMap;
use std::sync::Arc;

use redeemd_domain::machine::{Machine, Outcome, Recorded};
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};

/// The records that answered requests.
pub(crate) struct Answers<R>(HashMap<RequestDigest, (Fingerprint, Arc<R>)>);

impl<R> Default for Answers<R> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<R: Recorded> Answers<R> {
    /// What should come of a request, where it was answered before; `reused` is the refusal of a key
    /// that comes with another body.
    pub(crate) fn recall<M: Machine<Record = R>>(
        &self,
        request: Option<&Request>,
        reused: M::Refusal,
    ) -> Option<Outcome<M>> {
        let request = request?;
        let (fingerprint, record) = self.0.get(&request.digest)?;
        Some(if *fingerprint == request.fingerprint {
            Outcome::Replayed(Arc::clone(record))
        } else {
            Outcome::Refused(reused)
        })
    }

    pub(crate) fn remember(&mut self, record: &Arc<R>) {
        if let Some((digest, fingerprint)) = record.request() {
            self.0.insert(digest, (fingerprint, Arc::clone(record)));
        }
    }
}
