//! What each wish should do to the lists.

use redeemd_domain::codes::CodeKey;
use redeemd_domain::identifier::{HoldId, RedemptionId};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::rules::MAX_BALANCE;
use redeemd_domain::shard::{
    Changed, Confirm, Event, Extent, Hold, HoldPlaced, Money, Otherwise, PlaceHold, Placing,
    Redeem, Redemption, RollBack, RolledBack, Spend, Spent, ToppedUp,
};
use redeemd_domain::timestamp::Timestamp;

use super::{Judged, Model, Redeemed};
use crate::life_history::PLAIN;

impl Model {
    pub(super) fn redeem(
        &mut self,
        redeem: &Redeem,
        amount: Option<u64>,
        number: u64,
        at: Timestamp,
    ) -> Judged {
        let Redeem { code, user, metadata, .. } = redeem;
        self.refusal(code, user, amount)?;
        let view = self.view(code)?;
        let money = self.left(code).map(|left| {
            let amount = amount.unwrap_or(left);
            Money { amount, left: left - amount }
        });
        let own = self.end(|hold| hold.code == *code && hold.user == *user).ok();
        let generation = self.generation(code);
        self.redemptions.push(Redeemed {
            id: RedemptionId { at, slot: code.slot(), number },
            code: *code,
            user: user.clone(),
            generation,
            spent: money.map(|money| money.amount),
            returned: 0,
            is_undone: false,
        });
        let uses = self.uses(code) as u32;
        let redemption = Redemption {
            code: *code,
            campaign: view.number,
            revision: view.revision,
            generation,
            uses_left: view.uses_per_code.map(|limit| limit - uses),
            user: user.clone(),
            metadata: metadata.clone(),
        };
        if view.number == PLAIN && own.is_none() {
            return Ok(Event::Redeemed(redemption));
        }
        let hold = own.map(|hold| hold.id.number);
        Ok(Event::Spent(Box::new(Spent { redemption, claim: None, money, hold })))
    }

    pub(super) fn hold(&mut self, place: &PlaceHold, number: u64, at: Timestamp) -> Judged {
        self.refusal(&place.code, &place.user, None)?;
        let campaign = self.view(&place.code)?.number;
        let expires_at = Timestamp(at.0 + place.ttl_ms);
        let is_own = |hold: &&mut Hold| hold.code == place.code && hold.user == place.user;
        if let Some(own) = self.holds.iter_mut().find(is_own) {
            own.expires_at = own.expires_at.max(expires_at);
            let (hold, placing) = (own.clone(), Placing::Prolonged);
            return Ok(Event::HoldPlaced(Box::new(HoldPlaced { hold, placing })));
        }
        let id = HoldId { at, slot: place.code.slot(), number };
        let (code, user) = (place.code, place.user.clone());
        let hold = Hold { id, code, campaign, user, expires_at, claim: None };
        self.holds.push(hold.clone());
        self.placed.push((id, code, place.user.clone()));
        Ok(Event::HoldPlaced(Box::new(HoldPlaced { hold, placing: Placing::New })))
    }

    pub(super) fn confirm(&mut self, confirm: &Confirm, number: u64, at: Timestamp) -> Judged {
        let Spend { redeem, amount, .. } = &confirm.spend;
        self.view(&redeem.code)?;
        let is_live = |hold: &Hold| hold.id == confirm.hold && hold.expires_at > at;
        let is_taken = confirm.otherwise == Otherwise::TakeIfFree;
        if self.holds.iter().any(is_live) || is_taken {
            self.redeem(redeem, *amount, number, at)
        } else {
            Err(Refusal::HoldEnded)
        }
    }

    pub(super) fn end(&mut self, is_it: impl Fn(&Hold) -> bool) -> Result<Hold, Refusal> {
        let place = self.holds.iter().position(is_it).ok_or(Refusal::HoldEnded)?;
        Ok(self.holds.remove(place))
    }

    pub(super) fn roll_back(&mut self, wish: &RollBack, at: Timestamp) -> Judged {
        let campaign = self.view(&wish.code)?.number;
        let left = self.left(&wish.code);
        let redemption = self.redemptions.iter_mut().find(|found| found.id == wish.redemption);
        let redemption = redemption.expect("only what was redeemed is rolled back");
        if wish.amount == Some(0) || (wish.amount.is_some() && redemption.spent.is_none()) {
            return Err(Refusal::AmountNotTaken);
        }
        if redemption.is_undone {
            return Err(Refusal::AlreadyRolledBack);
        }
        if at.0 - redemption.id.at.0 > wish.max_age_ms {
            return Err(Refusal::RollbackTooLate);
        }
        let rest = redemption.spent.map(|spent| spent - redemption.returned);
        let amount = wish.amount.or(rest);
        if amount > rest {
            return Err(Refusal::InsufficientBalance);
        }
        let money = match (left, amount) {
            (Some(left), Some(amount)) if left + amount > MAX_BALANCE => {
                return Err(Refusal::AmountTooLarge);
            }
            (Some(left), Some(amount)) => Some(Money { amount, left: left + amount }),
            _ => None,
        };
        redemption.returned += amount.unwrap_or(0);
        redemption.is_undone = amount == rest;
        let extent = if redemption.is_undone {
            Extent::Whole
        } else {
            Extent::Part { returned: redemption.returned }
        };
        let (id, user) = (redemption.id, redemption.user.clone());
        Ok(Event::RolledBack(Box::new(RolledBack {
            redemption: id,
            code: wish.code,
            campaign,
            user,
            extent,
            money,
            generation: self.generation(&wish.code),
            reason: wish.reason.clone(),
        })))
    }

    pub(super) fn top_up(&mut self, code: CodeKey, amount: u64) -> Judged {
        let campaign = self.view(&code)?.number;
        let left = self.left(&code).filter(|_| amount > 0).ok_or(Refusal::AmountNotTaken)?;
        if self.revoked.get(&code) == Some(&true) {
            return Err(Refusal::Revoked);
        }
        let left = left.checked_add(amount).filter(|&left| left <= MAX_BALANCE);
        let left = left.ok_or(Refusal::AmountTooLarge)?;
        self.top_ups.push((code, amount));
        let money = Money { amount, left };
        Ok(Event::ToppedUp(ToppedUp { code, campaign, money, reason: "because".into() }))
    }

    pub(super) fn mark(&mut self, code: CodeKey, revokes: bool) -> Result<Option<Event>, Refusal> {
        let campaign = self.view(&code)?.number;
        let revoked = self.revoked.entry(code).or_insert(false);
        if *revoked == revokes {
            return Ok(None);
        }
        *revoked = revokes;
        let changed = Changed { code, campaign, reason: "because".into() };
        Ok(Some(if revokes { Event::Revoked(changed) } else { Event::Restored(changed) }))
    }
}
