//! Rolling redemptions back.

use super::money::added;
use super::uses::Taker;
use crate::codes::CodeKey;
use crate::invariant::Invariant;
use crate::progress::Stamp;
use crate::refusal::Refusal;
use crate::shard::rollback::{Extent, RollBack, RolledBack};
use crate::shard::{CodeState, Event, Money, Outcome, Shard};
use crate::timestamp::Timestamp;

/// What a rollback would do.
pub(super) struct Undoing {
    extent: Extent,
    money: Option<Money>,
}

impl Shard {
    pub(super) fn roll_back(&mut self, stamp: Stamp, roll_back: RollBack) -> Outcome {
        let Undoing { extent, money } = match self.judge_roll_back(&roll_back, stamp.at) {
            Ok(undoing) => undoing,
            Err(outcome) => return outcome,
        };
        let RollBack { redemption, code, user, claim, reason, api_key, request, .. } = roll_back;
        let Some((campaign, former)) = self.find(&code) else {
            return Outcome::Refused(Refusal::InvalidCode);
        };
        let view = campaign.view;
        let mut state = former;
        if extent == Extent::Whole {
            Invariant::OnlyTakenUsesReturn.check(former.uses > 0);
            state.uses = former.uses.saturating_sub(1);
            state.generation += 1;
            self.set_state(&code, view.issued, state);
            self.give_use_back(view.number, Taker::Redemption, &user, claim);
        }
        self.note_undone(code, former, redemption.number, extent);
        if let Some(money) = money {
            self.set_balance(&code, money);
        }
        let (campaign, generation) = (view.number, state.generation);
        let rolled_back =
            RolledBack { redemption, code, campaign, user, extent, money, generation, reason };
        stamp.done(api_key, request, Event::RolledBack(Box::new(rolled_back)))
    }

    fn note_undone(&mut self, code: CodeKey, former: CodeState, number: u64, extent: Extent) {
        // Of a code without any use left its generation says all.
        let is_said = extent == Extent::Whole && former.uses <= 1;
        let slot = self.slot_mut(code.slot());
        match slot.map(|slot| &mut slot.life) {
            Some(life) if !is_said => {
                life.get_or_insert_default().undone.note(code, former.generation, number, extent);
            }
            Some(Some(life)) => life.undone.forget(&code),
            Some(None) | None => {}
        }
    }

    /// What a rollback would do at a time, or the outcome where it would do nothing. A code that
    /// was revoked, a window that is over and a campaign that was archived do not matter.
    pub(super) fn judge_roll_back(
        &self,
        roll_back: &RollBack,
        at: Timestamp,
    ) -> Result<Undoing, Outcome> {
        if let Some(outcome) = self.settled(roll_back.request.as_ref()) {
            return Err(outcome);
        }
        let refused = |refusal| Err(Outcome::Refused(refusal));
        let RollBack { redemption, code, generation, spent, amount, max_age_ms, .. } = roll_back;
        let Some(found) = self.locate(code) else { return refused(Refusal::InvalidCode) };
        if amount.is_some_and(|amount| amount == 0 || spent.is_none()) {
            return refused(Refusal::AmountNotTaken);
        }
        let returned = match self.undone(code, *generation, redemption.number) {
            Some(Extent::Whole) => return refused(Refusal::AlreadyRolledBack),
            Some(Extent::Part { returned }) => returned,
            None => 0,
        };
        if at.0.saturating_sub(redemption.at.0) > *max_age_ms {
            return refused(Refusal::RollbackTooLate);
        }
        let Some(spent) = *spent else { return Ok(Undoing { extent: Extent::Whole, money: None }) };
        let rest = spent.saturating_sub(returned);
        let amount = amount.unwrap_or(rest);
        if amount > rest {
            return refused(Refusal::InsufficientBalance);
        }
        let Some(money) = added(found.balance(code).unwrap_or(0), amount) else {
            return refused(Refusal::AmountTooLarge);
        };
        let extent = match amount {
            all if all == rest => Extent::Whole,
            part => Extent::Part { returned: returned + part },
        };
        Ok(Undoing { extent, money: Some(money) })
    }
}
