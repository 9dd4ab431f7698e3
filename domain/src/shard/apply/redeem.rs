//! Redeeming.

use super::uses::Taker;
use crate::invariant::Invariant;
use crate::progress::Stamp;
use crate::shard::judge::{Extras, Granted, Moment, Verdict};
use crate::shard::{Claim, Event, Outcome, Redeem, Redemption, Shard, Spent};

impl Shard {
    /// Redeems a code, or refuses to. This and what it consists of stand in the code of whoever calls
    /// them: at each call all of the wish would be moved.
    #[inline(always)]
    pub(super) fn redeem(
        &mut self,
        stamp: Stamp,
        redeem: Redeem,
        claim: Option<Claim>,
        extras: Extras,
    ) -> Outcome {
        match self.judge(&redeem, extras, stamp.at, Moment::Entry) {
            Verdict::Granted(granted) => self.grant(stamp, redeem, claim, granted),
            Verdict::Settled(outcome) => outcome,
        }
    }

    /// Redeems a code as it was judged. A hold of the user on it becomes the redemption.
    #[inline(always)]
    pub(super) fn grant(
        &mut self,
        stamp: Stamp,
        redeem: Redeem,
        mut claim: Option<Claim>,
        granted: Granted,
    ) -> Outcome {
        let Granted { campaign, revision, has_rules, mut state, own_hold, money, .. } = granted;
        state.uses += 1;
        let limit = granted.uses_per_code;
        Invariant::UsesWithinLimit.check(limit.is_none_or(|limit| state.uses <= u64::from(limit)));
        let uses = u32::try_from(state.uses).unwrap_or(u32::MAX);
        self.set_state(&redeem.code, granted.issued, state);
        match own_hold {
            None => self.take_use(campaign, Taker::Redemption),
            Some(number) => {
                claim = self.end_hold(&redeem.code, number).and_then(|hold| hold.claim);
                self.hand_use_over(campaign);
            }
        }
        if let Some(money) = money {
            self.set_balance(&redeem.code, money);
        }
        let redemption = Redemption {
            code: redeem.code,
            campaign,
            revision,
            generation: state.generation,
            uses_left: limit.map(|limit| limit.saturating_sub(uses)),
            user: redeem.user,
            metadata: redeem.metadata,
        };
        let event = if has_rules || own_hold.is_some() {
            Event::Spent(Box::new(Spent { redemption, claim, money, hold: own_hold }))
        } else {
            Event::Redeemed(redemption)
        };
        stamp.done(redeem.api_key, redeem.request, event)
    }
}
