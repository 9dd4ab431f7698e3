//! Revoking codes and restoring them.

use crate::progress::Stamp;
use crate::refusal::Refusal;
use crate::shard::{Change, Changed, Event, Outcome, Shard};

impl Shard {
    pub(super) fn set_revoked(&mut self, stamp: Stamp, change: Change, revoked: bool) -> Outcome {
        if let Some(settled) = self.settled(change.request.as_ref()) {
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
        self.count(view.number, |counts| {
            counts.revoked =
                if revoked { counts.revoked + 1 } else { counts.revoked.saturating_sub(1) };
        });
        let changed = Changed { code: change.code, campaign: view.number, reason: change.reason };
        let event = if revoked { Event::Revoked(changed) } else { Event::Restored(changed) };
        stamp.done(change.api_key, change.request, event)
    }
}
