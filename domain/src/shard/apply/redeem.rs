//! Redeeming.

use std::sync::Arc;

use super::Stamp;
use crate::invariant::Invariant;
use crate::shard::command::{Event, Record, Redemption, Spend, Spent};
use crate::shard::judge::Verdict;
use crate::shard::{Outcome, Shard};

impl Shard {
    pub(super) fn redeem(&mut self, stamp: Stamp, spend: Spend) -> Outcome {
        let Spend { redeem, claim, amount: _ } = spend;
        let (view, mut state) = match self.judge(&redeem.code, redeem.request.as_ref(), stamp.at) {
            Verdict::Granted { view, state } => (view, state),
            Verdict::Refused(refusal) => return Outcome::Refused(refusal),
            Verdict::SearchLedger { through } => return Outcome::SearchLedger { through },
            Verdict::Replayed(record) => return Outcome::Replayed(record),
        };
        state.uses += 1;
        let limit = view.uses_per_code;
        Invariant::UsesWithinLimit.check(limit.is_none_or(|limit| state.uses <= u64::from(limit)));
        let uses = u32::try_from(state.uses).unwrap_or(u32::MAX);
        self.set_state(&redeem.code, view.issued, state);
        self.count(&view, |counts| counts.redeemed += 1);
        let redemption = Redemption {
            code: redeem.code,
            campaign: view.number,
            revision: view.revision,
            generation: state.generation,
            uses_left: limit.map(|limit| limit.saturating_sub(uses)),
            user: redeem.user,
            metadata: redeem.metadata,
        };
        Outcome::Done(Arc::new(Record {
            number: stamp.number,
            at: stamp.at,
            api_key: redeem.api_key,
            request: redeem.request.map(|request| (request.digest, request.fingerprint)),
            event: match self.rules(view.number) {
                None => Event::Redeemed(redemption),
                Some(_) => {
                    Event::Spent(Box::new(Spent { redemption, claim, money: None, hold: None }))
                }
            },
        }))
    }
}
