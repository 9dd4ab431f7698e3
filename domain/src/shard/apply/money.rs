//! Topping codes up, and every other movement of a balance.

use crate::codes::CodeKey;
use crate::invariant::Invariant;
use crate::progress::Stamp;
use crate::refusal::Refusal;
use crate::rules::MAX_BALANCE;
use crate::shard::top_up::{TopUp, ToppedUp};
use crate::shard::{Event, Money, Outcome, Shard};

impl Shard {
    pub(super) fn top_up(&mut self, stamp: Stamp, top_up: TopUp) -> Outcome {
        let money = match self.judge_top_up(&top_up) {
            Ok(money) => money,
            Err(outcome) => return outcome,
        };
        let Some((campaign, _)) = self.find(&top_up.code) else {
            return Outcome::Refused(Refusal::InvalidCode);
        };
        let campaign = campaign.view.number;
        self.set_balance(&top_up.code, money);
        let TopUp { code, amount: _, reason, api_key, request } = top_up;
        let event = Event::ToppedUp(ToppedUp { code, campaign, money, reason });
        stamp.done(api_key, request, event)
    }

    /// What a top-up would move, or the outcome where it would move nothing. A campaign's window
    /// and status do not matter: what a code is worth may be put right at any time.
    pub(super) fn judge_top_up(&self, top_up: &TopUp) -> Result<Money, Outcome> {
        if let Some(outcome) = self.settled(top_up.request.as_ref()) {
            return Err(outcome);
        }
        let refused = |refusal| Err(Outcome::Refused(refusal));
        let Some(found) = self.locate(&top_up.code) else { return refused(Refusal::InvalidCode) };
        match found.balance(&top_up.code) {
            Some(balance) if top_up.amount > 0 => {
                if found.state.revoked {
                    return refused(Refusal::Revoked);
                }
                let added = added(balance, top_up.amount);
                added.ok_or(Outcome::Refused(Refusal::AmountTooLarge))
            }
            Some(_) | None => refused(Refusal::AmountNotTaken),
        }
    }

    /// Moves a code's balance to what a movement leaves.
    pub(super) fn set_balance(&mut self, code: &CodeKey, money: Money) {
        let before = self.balance(code);
        Invariant::MoneyIsBalanced.check(before.is_some_and(|before| money.follows(before)));
        if let Some(life) = self.life_mut(code.slot()) {
            life.balances.set(*code, money.left);
        }
    }
}

/// The movement that adds to a balance; `None` where it would be more than any code may be worth.
pub(super) fn added(balance: u64, amount: u64) -> Option<Money> {
    let left = balance.checked_add(amount).filter(|&left| left <= MAX_BALANCE)?;
    Some(Money { amount, left })
}

impl Money {
    /// Whether a code that was worth so much before is worth what is left after this movement.
    fn follows(self, before: u64) -> bool {
        self.left <= MAX_BALANCE && before.abs_diff(self.left) == self.amount
    }
}
