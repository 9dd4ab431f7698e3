//! Revoking codes and restoring them.

use std::sync::Arc;

use super::Stamp;
use crate::machine::{Machine, Recollection};
use crate::refusal::Refusal;
use crate::shard::command::{Change, Changed, Event, Record};
use crate::shard::{Outcome, Shard};

impl Shard {
    /// The outcome of a change that was answered before, or may have been. A code's state does not
    /// tell whether it was ever revoked, so the ledger is asked about every key.
    pub(super) fn settled(&self, change: &Change) -> Option<Outcome> {
        let request = change.request.as_ref()?;
        match self.recent.recall(request) {
            Recollection::Answered(record) => Some(Outcome::Replayed(record)),
            Recollection::Reused => Some(Outcome::Refused(Refusal::IdempotencyKeyReused)),
            Recollection::Unknown => self
                .must_search(Some(request))
                .then(|| Outcome::SearchLedger { through: self.forgotten() }),
        }
    }

    pub(super) fn set_revoked(&mut self, stamp: Stamp, change: Change, revoked: bool) -> Outcome {
        if let Some(settled) = self.settled(&change) {
            return settled;
        }
        let Some((campaign, mut state)) = self.find(&change.code) else {
            return Outcome::Refused(Refusal::InvalidCode);
        };
        if state.revoked == revoked {
            return Outcome::Unchanged;
        }
        let view = campaign.view;
        state.revoked = revoked;
        self.set_state(&change.code, view.issued, state);
        self.count(&view, |counts| {
            counts.revoked =
                if revoked { counts.revoked + 1 } else { counts.revoked.saturating_sub(1) };
        });
        let changed = Changed { code: change.code, campaign: view.number, reason: change.reason };
        Outcome::Done(Arc::new(Record {
            number: stamp.number,
            at: stamp.at,
            api_key: change.api_key,
            request: change.request.map(|request| (request.digest, request.fingerprint)),
            event: if revoked { Event::Revoked(changed) } else { Event::Restored(changed) },
        }))
    }
}
