//! Whether a code may be redeemed or held: the one place that decides it, for redemptions, holds,
//! early refusals and validations alike.

use super::acknowledgement::Acknowledgement;
use super::balances::Money;
use super::hold::{Confirm, Otherwise, PlaceHold};
use super::holds::Holds;
use super::query::Validated;
use super::redemption::{Redeem, Spend};
use super::users::UserDigest;
use super::{CodeState, Found, Outcome, Shard};
use crate::campaign::{CampaignView, Revision, Status};
use crate::codes::{CampaignNumber, CodeKey};
use crate::machine::{Machine, Recollection};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::timestamp::Timestamp;

/// What is to be said to a wish for a use of a code.
pub(super) enum Verdict {
    /// It is granted.
    Granted(Granted),
    /// It is not, and this is the outcome.
    Settled(Outcome),
}

/// A wish for a use of a code that may be fulfilled, with what that takes.
pub(super) struct Granted {
    /// The campaign.
    pub(super) campaign: CampaignNumber,
    /// The campaign's revision by which it was judged.
    pub(super) revision: Revision,
    /// How often the code may be redeemed, where that is limited.
    pub(super) uses_per_code: Option<u32>,
    /// How many codes the campaign has issued.
    pub(super) issued: u64,
    /// Whether the campaign has rules beyond those of every campaign.
    pub(super) has_rules: bool,
    /// What happened to the code so far.
    pub(super) state: CodeState,
    /// The user's own hold on the code, by its number.
    pub(super) own_hold: Option<u64>,
    /// What is to be spent, where the code has a balance.
    pub(super) money: Option<Money>,
}

/// What is wanted of a code.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    code: &'a CodeKey,
    user: &'a str,
    amount: Option<u64>,
    /// Whether one of the user's uses was claimed for it.
    is_claimed: bool,
}

/// What a redemption has besides what every redemption has.
#[derive(Clone, Copy, Default)]
pub(super) struct Extras {
    amount: Option<u64>,
    is_claimed: bool,
}

impl Extras {
    pub(super) fn of(spend: &Spend) -> Self {
        Self { amount: spend.amount, is_claimed: spend.claim.is_some() }
    }
}

impl<'a> Wish<'a> {
    fn to_redeem(redeem: &'a Redeem, extras: Extras) -> Self {
        let Extras { amount, is_claimed } = extras;
        Self { code: &redeem.code, user: &redeem.user, amount, is_claimed }
    }

    fn to_hold(place: &'a PlaceHold) -> Self {
        let is_claimed = place.claim.is_some();
        Self { code: &place.code, user: &place.user, amount: None, is_claimed }
    }
}

/// When is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// By an entry: a hold that should have ended and has not stands in the way, so that uses and
    /// holds are never more than the campaign allows.
    Entry,
    /// Before one: a hold that should have ended will have ended by then.
    Foresight,
}

impl Shard {
    /// Judges a wish to redeem a code at a time, without changing anything.
    pub(super) fn judge(
        &self,
        redeem: &Redeem,
        extras: Extras,
        at: Timestamp,
        moment: Moment,
    ) -> Verdict {
        let request = redeem.request.as_ref();
        if let Some(outcome) = self.recalled(request) {
            return Verdict::Settled(outcome);
        }
        let Some(found) = self.locate(&redeem.code) else {
            return Verdict::refused(Refusal::InvalidCode);
        };
        // A code that was never used was never answered for, so there is nothing to find.
        if found.state.was_ever_used() && self.must_search(request) {
            return Verdict::Settled(Outcome::SearchLedger { through: self.forgotten() });
        }
        found.weigh(Wish::to_redeem(redeem, extras), at, moment)
    }

    /// Judges a wish to hold a code. Its state does not tell whether it was ever held, so the
    /// ledger is asked about every key.
    pub(super) fn judge_hold(&self, place: &PlaceHold, at: Timestamp, moment: Moment) -> Verdict {
        if let Some(outcome) = self.settled(place.request.as_ref()) {
            return Verdict::Settled(outcome);
        }
        match self.locate(&place.code) {
            None => Verdict::refused(Refusal::InvalidCode),
            Some(found) => found.weigh(Wish::to_hold(place), at, moment),
        }
    }

    /// Judges a wish to confirm a hold.
    pub(super) fn judge_confirm(
        &self,
        confirm: &Confirm,
        at: Timestamp,
        moment: Moment,
    ) -> Verdict {
        let Confirm { hold, spend, otherwise } = confirm;
        let (redeem, extras) = (&spend.redeem, Extras::of(spend));
        if let Some(outcome) = self.recalled(redeem.request.as_ref()) {
            return Verdict::Settled(outcome);
        }
        let hold = self.hold(*hold);
        let hold = hold.filter(|hold| hold.code == redeem.code && hold.user == redeem.user);
        let ends_in_time = |due: bool| !due || *otherwise == Otherwise::TakeIfFree;
        match (hold, self.locate(&redeem.code)) {
            (_, None) => Verdict::refused(Refusal::InvalidCode),
            // What is still held was never confirmed, so there is nothing to find.
            (Some(hold), Some(found)) if ends_in_time(hold.is_due(at)) => {
                found.weigh(Wish::to_redeem(redeem, extras), at, moment)
            }
            (None, _) if *otherwise == Otherwise::TakeIfFree => {
                self.judge(redeem, extras, at, moment)
            }
            (None, _) if self.must_search(redeem.request.as_ref()) => {
                Verdict::Settled(Outcome::SearchLedger { through: self.forgotten() })
            }
            _ => Verdict::refused(Refusal::HoldEnded),
        }
    }

    /// The outcome of a request that was answered before, as far as it is remembered here.
    pub(super) fn recalled(&self, request: Option<&Request>) -> Option<Outcome> {
        match self.progress.recent().recall(request?) {
            Recollection::Answered(record) => Some(Outcome::Replayed(record)),
            Recollection::Reused => Some(Outcome::Refused(Refusal::IdempotencyKeyReused)),
            Recollection::Unknown => None,
        }
    }

    /// The outcome of a request that was answered before, or may have been, where the state does
    /// not tell whether anything of its kind ever happened: the ledger is asked about every key.
    pub(super) fn settled(&self, request: Option<&Request>) -> Option<Outcome> {
        let search = || Outcome::SearchLedger { through: self.forgotten() };
        self.recalled(request).or_else(|| self.must_search(request).then(search))
    }

    /// Whether the ledger could know an answer to the request that this state has forgotten.
    fn must_search(&self, request: Option<&Request>) -> bool {
        request.is_some_and(|request| request.searched < self.forgotten())
    }

    /// Whether a code could be redeemed at a time, by a user where one is named. Changes nothing
    /// and promises nothing: another redemption may come first.
    ///
    /// # Errors
    /// The refusal that a redemption would get.
    pub fn validate(
        &self,
        code: &CodeKey,
        user: Option<&str>,
        at: Timestamp,
    ) -> Result<Validated, Refusal> {
        let found = self.locate(code).ok_or(Refusal::InvalidCode)?;
        // No user has an empty name, so nobody's hold is taken for that of a user who is not named.
        let wish = Wish { code, user: user.unwrap_or_default(), amount: None, is_claimed: false };
        let (campaign, state) = (found.campaign.view, found.state);
        let balance_left = found.balance(code);
        let validated = Validated { campaign, state, balance_left };
        found.refusal(wish, balance_left, at, Moment::Foresight).map_or(Ok(validated), Err)
    }
}

impl Verdict {
    fn refused(refusal: Refusal) -> Self {
        Self::Settled(Outcome::Refused(refusal))
    }

    /// The outcome, where nothing is granted.
    pub(super) fn settled(self) -> Option<Outcome> {
        match self {
            Self::Granted(_) => None,
            Self::Settled(outcome) => Some(outcome),
        }
    }
}

impl Found<'_> {
    /// Judges a wish for a use of a code that exists, whose request was not answered before.
    #[inline(always)]
    fn weigh(&self, wish: Wish<'_>, at: Timestamp, moment: Moment) -> Verdict {
        let own_hold = self.holds().and_then(|holds| holds.of(wish.code, wish.user));
        let balance = self.balance(wish.code);
        let refusal = self.refusal(wish, balance, at, moment);
        // What a hold keeps, it also keeps of the limits that span codes.
        let step = if own_hold.is_none() { self.first_step(wish) } else { None };
        if refusal.is_some() || step.is_some() {
            // Where a hold is due, what comes after it in the order is said by the entry alone.
            let is_certain = moment == Moment::Entry || refusal == self.entry_refusal(wish, at);
            match (refusal, step) {
                _ if !is_certain => {}
                (Some(refusal), None) => return Verdict::refused(refusal),
                (Some(refusal), _) if refusal < Refusal::UserLimitReached => {
                    return Verdict::refused(refusal);
                }
                (_, Some(step)) => return Verdict::Settled(Outcome::Acknowledged(step)),
                (None, None) => {}
            }
        }
        let money = balance.map(|balance| {
            let amount = wish.amount.unwrap_or(balance);
            Money { amount, left: balance.saturating_sub(amount) }
        });
        let CampaignView { number, revision, uses_per_code, issued, .. } = self.campaign.view;
        Verdict::Granted(Granted {
            campaign: number,
            revision,
            uses_per_code,
            issued,
            has_rules: self.campaign.rules.is_some(),
            state: self.state,
            own_hold: own_hold.map(|hold| hold.id.number),
            money,
        })
    }

    /// The step that must come before a use is taken, if any. A share comes before a claim, so that
    /// no claim is made where there is nothing left to redeem.
    fn first_step(&self, wish: Wish<'_>) -> Option<Acknowledgement> {
        let campaign = self.campaign.view.number;
        let rules = self.campaign.rules.as_deref()?;
        if self.campaign.share().is_some_and(|share| share.left == 0) {
            return Some(Acknowledgement::ShareFirst { campaign });
        }
        let needs_claim = rules.uses_per_user.is_some() && !wish.is_claimed;
        needs_claim.then(|| {
            let user = UserDigest::new(campaign, wish.user);
            Acknowledgement::ClaimFirst { campaign, user }
        })
    }

    /// What an entry would refuse a wish with.
    #[cold]
    fn entry_refusal(&self, wish: Wish<'_>, at: Timestamp) -> Option<Refusal> {
        self.refusal(wish, self.balance(wish.code), at, Moment::Entry)
    }

    /// The first of the refusals that hold, in the order that [`Refusal`] documents. Mostly none does,
    /// and most of them need little to be looked at.
    #[inline(always)]
    fn refusal(
        &self,
        wish: Wish<'_>,
        balance: Option<u64>,
        at: Timestamp,
        moment: Moment,
    ) -> Option<Refusal> {
        let Self { campaign, state, .. } = self;
        let (view, rules) = (&campaign.view, campaign.rules.as_ref());
        let is_early = view.window.starts_at.is_some_and(|start| at < start);
        let is_over = view.window.expires_at.is_some_and(|end| at >= end);
        let is_closed = || !is_over && rules.is_some_and(|rules| !rules.is_open_at(at));
        let is_used_up = |uses: u64| view.uses_per_code.is_some_and(|limit| uses >= limit.into());
        let takes_amount = wish.amount.is_none_or(|amount| amount > 0 && balance.is_some());
        if !takes_amount {
            Some(Refusal::AmountNotTaken)
        } else if state.revoked {
            Some(Refusal::Revoked)
        } else if is_early || is_closed() {
            Some(Refusal::NotYetValid)
        } else if is_over {
            Some(Refusal::Expired)
        } else if view.status == Status::Archived {
            Some(Refusal::CampaignArchived)
        } else if view.status == Status::Paused {
            Some(Refusal::CampaignPaused)
        } else if is_used_up(state.uses) {
            Some(Refusal::AlreadyRedeemed)
        } else if is_used_up(state.uses + self.held_for_others(wish, at, moment)) {
            Some(Refusal::CodeHeld)
        } else if balance.is_some_and(|left| wish.amount.unwrap_or(1) > left) {
            Some(Refusal::InsufficientBalance)
        } else {
            None
        }
    }

    /// How many uses of the code stand in a user's way because they are held for others.
    #[inline(always)]
    fn held_for_others(&self, wish: Wish<'_>, at: Timestamp, moment: Moment) -> u64 {
        self.holds().map_or(0, |holds| holds_of_others(holds, wish, at, moment))
    }
}

/// How many holds are in a user's way. It is no part of the code that judges every wish, since most
/// slots have no holds.
#[inline(never)]
fn holds_of_others(holds: &Holds, wish: Wish<'_>, at: Timestamp, moment: Moment) -> u64 {
    let is_in_the_way = |hold: &&super::Hold| {
        *hold.user != *wish.user && (moment == Moment::Entry || !hold.is_due(at))
    };
    holds.on(*wish.code).filter(is_in_the_way).count() as u64
}
