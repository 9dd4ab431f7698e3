//! What must come of the wishes about the whole life of a code: redeeming, holding, confirming,
//! releasing, rolling back, topping up. In words: `docs/` and the table of refusals.

use redeemd_domain::campaign::{Status, Terms};
use redeemd_domain::codes::CodeKey;
use redeemd_domain::identifier::HoldId;
use redeemd_domain::machine::Outcome;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::rules::MAX_BALANCE;
use redeemd_domain::shard::{
    Claim, Confirm, EndedHold, Event, Extent, Hold, HoldPlaced, Money, Otherwise, PlaceHold,
    Placing, Redemption, Release, RollBack, RolledBack, Shard, Spend, Spent, TopUp, ToppedUp,
};
use redeemd_domain::timestamp::Timestamp;

use super::code_life::{CodeLife, Redeemed};
use super::modelled::{Moment, Stamp};
use super::shard_model::ShardModel;

/// An event, or the outcome where there is none.
pub(super) type Judged = Result<Event, Outcome<Shard>>;

fn no(refusal: Refusal) -> Judged {
    Err(Outcome::Refused(refusal))
}

impl ShardModel {
    pub(super) fn redeem(&self, spend: &Spend, stamp: Stamp) -> Judged {
        let Spend { redeem, amount, claim } = spend;
        let code = &redeem.code;
        self.weigh(code, &redeem.user, *amount, *claim, stamp)?;
        let Some(Terms { view, rules }) = self.terms(code) else {
            unreachable!("it is not refused")
        };
        let life = self.life(code);
        let own = life.hold_of(&redeem.user);
        let uses = life.uses() + 1;
        let redemption = Redemption {
            code: *code,
            campaign: view.number,
            revision: view.revision,
            generation: life.generation(),
            uses_left: view.uses_per_code.map(|limit| {
                assert!(uses <= limit.into(), "a use too many of {code:?}");
                limit - uses as u32
            }),
            user: redeem.user.clone(),
            metadata: redeem.metadata.clone(),
        };
        if rules.is_none() && own.is_none() {
            return Ok(Event::Redeemed(redemption));
        }
        let money = self.left(code).map(|left| {
            let amount = amount.unwrap_or(left);
            Money { amount, left: left - amount }
        });
        let claim = own.map_or(*claim, |hold| hold.claim);
        let hold = own.map(|hold| hold.id.number);
        Ok(Event::Spent(Box::new(Spent { redemption, claim, money, hold })))
    }

    pub(super) fn place_hold(&self, place: &PlaceHold, stamp: Stamp) -> Judged {
        self.weigh(&place.code, &place.user, None, place.claim, stamp)?;
        let Some(terms) = self.terms(&place.code) else { unreachable!("it is not refused") };
        let expires_at = Timestamp(stamp.at.0.saturating_add(place.ttl_ms)).min(Timestamp::MAX);
        let own = self.life(&place.code).hold_of(&place.user).cloned();
        let (hold, placing) = match own {
            Some(own) => {
                let expires_at = own.expires_at.max(expires_at);
                (Hold { expires_at, ..own }, Placing::Prolonged)
            }
            None => {
                let (code, user, claim) = (place.code, place.user.clone(), place.claim);
                let id = HoldId { at: stamp.at, slot: code.slot(), number: stamp.number };
                let campaign = terms.view.number;
                (Hold { id, code, campaign, user, expires_at, claim }, Placing::New)
            }
        };
        Ok(Event::HoldPlaced(Box::new(HoldPlaced { hold, placing })))
    }

    pub(super) fn confirm(&self, confirm: &Confirm, stamp: Stamp) -> Judged {
        let code = &confirm.spend.redeem.code;
        if self.terms(code).is_none() {
            return no(Refusal::InvalidCode);
        }
        let life = self.life(code);
        let is_held = life.hold(confirm.hold).is_some_and(|hold| hold.expires_at > stamp.at);
        match confirm.otherwise {
            Otherwise::Refuse if !is_held => no(Refusal::HoldEnded),
            _ => self.redeem(&confirm.spend, stamp),
        }
    }

    pub(super) fn release(&self, release: &Release, stamp: Stamp) -> Judged {
        let life = self.life(&release.code);
        match life.hold(release.hold).filter(|hold| hold.expires_at > stamp.at) {
            Some(hold) => Ok(Event::HoldReleased(Box::new(ended(hold)))),
            None => no(Refusal::HoldEnded),
        }
    }

    /// The holds that are due, in the order in which they end, so many at most.
    pub(super) fn expire(&self, at_most: u16, at: Timestamp) -> Judged {
        let holds = self.codes.values().flat_map(|life| &life.holds);
        let mut due: Vec<_> = holds.filter(|hold| hold.expires_at <= at).collect();
        if due.is_empty() {
            return Err(Outcome::Unchanged);
        }
        due.sort_by_key(|hold| (hold.expires_at, hold.id.slot, hold.id.number));
        due.truncate(at_most.into());
        Ok(Event::HoldsExpired(due.into_iter().map(ended).collect()))
    }

    pub(super) fn roll_back(&self, wish: &RollBack, at: Timestamp) -> Judged {
        let RollBack { redemption: id, code, user, amount, max_age_ms, reason, .. } = wish;
        let Some(terms) = self.terms(code) else { return no(Refusal::InvalidCode) };
        let life = self.life(code);
        let redemption = life.redemption(*id).expect("only what happened is rolled back");
        let &Redeemed { spent, returned, is_undone, claim, .. } = redemption;
        assert_eq!((wish.spent, wish.claim), (spent, claim), "a redemption is told otherwise");
        if *amount == Some(0) || (amount.is_some() && spent.is_none()) {
            return no(Refusal::AmountNotTaken);
        }
        if is_undone {
            return no(Refusal::AlreadyRolledBack);
        }
        if at.0.saturating_sub(id.at.0) > *max_age_ms {
            return no(Refusal::RollbackTooLate);
        }
        let rest = spent.map(|spent| spent - returned);
        let back = amount.or(rest);
        if back > rest {
            return no(Refusal::InsufficientBalance);
        }
        let money = match (self.left(code), back) {
            (Some(left), Some(amount)) if left + amount > MAX_BALANCE => {
                return no(Refusal::AmountTooLarge);
            }
            (Some(left), Some(amount)) => Some(Money { amount, left: left + amount }),
            _ => None,
        };
        let is_whole = back == rest;
        let extent = if is_whole {
            Extent::Whole
        } else {
            Extent::Part { returned: returned + back.unwrap_or(0) }
        };
        Ok(Event::RolledBack(Box::new(RolledBack {
            redemption: *id,
            code: *code,
            campaign: terms.view.number,
            user: user.clone(),
            extent,
            money,
            generation: life.generation() + u32::from(is_whole),
            reason: reason.clone(),
        })))
    }

    pub(super) fn top_up(&self, top_up: &TopUp) -> Judged {
        let TopUp { code, amount, reason, .. } = top_up;
        let Some(terms) = self.terms(code) else { return no(Refusal::InvalidCode) };
        let Some(left) = self.left(code).filter(|_| *amount > 0) else {
            return no(Refusal::AmountNotTaken);
        };
        if self.life(code).revoked {
            return no(Refusal::Revoked);
        }
        let Some(left) = left.checked_add(*amount).filter(|left| *left <= MAX_BALANCE) else {
            return no(Refusal::AmountTooLarge);
        };
        let (money, campaign) = (Money { amount: *amount, left }, terms.view.number);
        let (code, reason) = (*code, reason.clone());
        Ok(Event::ToppedUp(ToppedUp { code, campaign, money, reason }))
    }

    /// What is left of a code, where it is worth anything.
    pub(super) fn left(&self, code: &CodeKey) -> Option<u64> {
        let worth = self.terms(code)?.rules.as_ref()?.balance?.minor_units;
        Some(self.life(code).left(worth))
    }

    /// Whether a use of a code is granted to a user as far as this shard can tell. What it cannot
    /// tell alone comes before what is left of the code.
    fn weigh(
        &self,
        code: &CodeKey,
        user: &str,
        amount: Option<u64>,
        claim: Option<Claim>,
        stamp: Stamp,
    ) -> Result<(), Outcome<Shard>> {
        let refusal = self.refusal(code, user, amount, stamp);
        let is_last = |refusal: Refusal| refusal == Refusal::InsufficientBalance;
        if let Some(refusal) = refusal
            && !is_last(refusal)
        {
            return Err(Outcome::Refused(refusal));
        }
        let has_hold = self.life(code).hold_of(user).is_some();
        let campaign = self.terms(code).map(|terms| terms.view.number).filter(|_| !has_hold);
        let step = campaign.and_then(|campaign| self.first_step(campaign, user, claim));
        match (step, refusal) {
            (Some(step), _) => Err(Outcome::Acknowledged(step)),
            (None, Some(refusal)) => Err(Outcome::Refused(refusal)),
            (None, None) => Ok(()),
        }
    }

    /// Why a use of a code is not granted to a user.
    pub(super) fn refusal(
        &self,
        key: &CodeKey,
        user: &str,
        amount: Option<u64>,
        stamp: Stamp,
    ) -> Option<Refusal> {
        let Some(Terms { view, rules }) = self.terms(key) else {
            return Some(Refusal::InvalidCode);
        };
        let (at, life, left) = (stamp.at, self.life(key), self.left(key));
        let is_in_the_way = |hold: &&Hold| {
            &*hold.user != user && (stamp.moment == Moment::Entry || hold.expires_at > at)
        };
        let held = life.holds.iter().filter(is_in_the_way).count() as u64;
        let limit = view.uses_per_code.map_or(u64::MAX, u64::from);
        let is_open = rules.as_ref().is_none_or(|rules| rules.is_open_at(at));
        if amount.is_some() && (left.is_none() || amount == Some(0)) {
            Some(Refusal::AmountNotTaken)
        } else if life.revoked {
            Some(Refusal::Revoked)
        } else if view.window.starts_at.is_some_and(|start| at < start) {
            Some(Refusal::NotYetValid)
        } else if view.window.expires_at.is_some_and(|end| end <= at) {
            Some(Refusal::Expired)
        } else if !is_open {
            Some(Refusal::NotYetValid)
        } else if view.status == Status::Archived {
            Some(Refusal::CampaignArchived)
        } else if view.status == Status::Paused {
            Some(Refusal::CampaignPaused)
        } else if life.uses() >= limit {
            Some(Refusal::AlreadyRedeemed)
        } else if life.uses() + held >= limit {
            Some(Refusal::CodeHeld)
        } else if left.is_some_and(|left| left < amount.unwrap_or(1)) {
            Some(Refusal::InsufficientBalance)
        } else {
            None
        }
    }

    pub(super) fn life(&self, code: &CodeKey) -> &CodeLife {
        static NOTHING: CodeLife =
            CodeLife { redemptions: Vec::new(), holds: Vec::new(), topped_up: 0, revoked: false };
        self.codes.get(code).unwrap_or(&NOTHING)
    }
}

fn ended(hold: &Hold) -> EndedHold {
    let Hold { id, code, campaign, user, .. } = hold.clone();
    EndedHold { id, code, campaign, user }
}
