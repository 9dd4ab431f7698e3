//! Placing, confirming and releasing holds, and ending those that expired.

use super::uses::Taker;
use crate::codes::CodeKey;
use crate::identifier::{ApiKeyNumber, HoldId};
use crate::invariant::Invariant;
use crate::progress::Stamp;
use crate::refusal::Refusal;
use crate::shard::hold::{Confirm, Hold, HoldPlaced, MAX_EXPIRED, PlaceHold, Placing, Release};
use crate::shard::judge::{Granted, Moment, Verdict};
use crate::shard::{Command, Event, Outcome, Shard, Spend};
use crate::slot::Slot;
use crate::timestamp::Timestamp;

/// How many commands to end holds are given at once.
const MOST_AT_ONCE: usize = 32;

impl Shard {
    pub(super) fn place_hold(&mut self, stamp: Stamp, place: PlaceHold) -> Outcome {
        let granted = match self.judge_hold(&place, stamp.at, Moment::Entry) {
            Verdict::Granted(granted) => granted,
            Verdict::Settled(outcome) => return outcome,
        };
        let PlaceHold { code, user, ttl_ms, claim, api_key, request } = place;
        let expires_at = Timestamp(stamp.at.0.saturating_add(ttl_ms)).min(Timestamp::MAX);
        let placed = match granted.own_hold {
            Some(number) => self.prolong(&code, number, expires_at),
            None => {
                let id = HoldId { at: stamp.at, slot: code.slot(), number: stamp.number };
                let campaign = granted.campaign;
                let hold = Hold { id, code, campaign, user, expires_at, claim };
                self.keep(hold.clone(), &granted);
                Some(HoldPlaced { hold, placing: Placing::New })
            }
        };
        match placed {
            Some(placed) => stamp.done(api_key, request, Event::HoldPlaced(Box::new(placed))),
            None => Outcome::Refused(Refusal::HoldEnded),
        }
    }

    pub(super) fn confirm(&mut self, stamp: Stamp, confirm: Confirm) -> Outcome {
        match self.judge_confirm(&confirm, stamp.at, Moment::Entry) {
            Verdict::Granted(granted) => {
                let Spend { redeem, claim, amount: _ } = confirm.spend;
                self.grant(stamp, redeem, claim, granted)
            }
            Verdict::Settled(outcome) => outcome,
        }
    }

    pub(super) fn release(&mut self, stamp: Stamp, release: Release) -> Outcome {
        if self.is_over(&release, stamp.at) {
            return Outcome::Refused(Refusal::HoldEnded);
        }
        let Some(hold) = self.end_hold(&release.code, release.hold.number) else {
            return Outcome::Refused(Refusal::HoldEnded);
        };
        self.give_use_back(hold.campaign, Taker::Hold, &hold.user, hold.claim);
        stamp.done(release.api_key, None, Event::HoldReleased(Box::new(hold.ended())))
    }

    /// Whether a hold cannot be released at a time, because it has ended or should have.
    pub(super) fn is_over(&self, release: &Release, at: Timestamp) -> bool {
        self.hold(release.hold).is_none_or(|hold| hold.code != release.code || hold.is_due(at))
    }

    pub(super) fn expire(&mut self, stamp: Stamp, at_most: u16) -> Outcome {
        let mut ended = Vec::new();
        while ended.len() < usize::from(at_most)
            && let Some(place) = self.expiries.first_due(stamp.at)
            && let Some(slot) = self.slot_at(place)
        {
            let hold = self.change_holds(slot, |holds| holds.take_due(stamp.at));
            let Some(hold) = hold.flatten() else { break };
            self.give_use_back(hold.campaign, Taker::Hold, &hold.user, hold.claim);
            ended.push(hold.ended());
        }
        if ended.is_empty() {
            return Outcome::Unchanged;
        }
        stamp.done(ApiKeyNumber::default(), None, Event::HoldsExpired(ended))
    }

    /// The commands that end what is due: as many as it takes, up to a bound.
    pub(super) fn expiring(&self, at: Timestamp) -> Vec<Command> {
        if self.expiries.first_due(at).is_none() {
            return Vec::new();
        }
        let due = |place: usize| {
            let life = self.slots.get(place).and_then(|slot| slot.life.as_ref());
            life.into_iter().flat_map(|life| life.holds.due(at))
        };
        let most = MOST_AT_ONCE * usize::from(MAX_EXPIRED);
        let count = self.expiries.due(at).flat_map(due).take(most).count();
        vec![Command::Expire { at_most: MAX_EXPIRED }; count.div_ceil(MAX_EXPIRED.into())]
    }

    /// Takes a hold out, and leaves its use with whoever takes it out.
    pub(super) fn end_hold(&mut self, code: &CodeKey, number: u64) -> Option<Hold> {
        self.change_holds(code.slot(), |holds| holds.remove(number)).flatten()
    }

    fn keep(&mut self, hold: Hold, granted: &Granted) {
        let (code, campaign) = (hold.code, hold.campaign);
        self.change_holds(code.slot(), |holds| holds.insert(hold));
        self.take_use(campaign, Taker::Hold);
        let taken = granted.state.uses + self.holds(&code).count() as u64;
        let limit = granted.uses_per_code.map(u64::from);
        Invariant::HoldsWithinLimit.check(limit.is_none_or(|limit| taken <= limit));
    }

    /// Moves a hold's end, never forward to an earlier time.
    fn prolong(
        &mut self,
        code: &CodeKey,
        number: u64,
        expires_at: Timestamp,
    ) -> Option<HoldPlaced> {
        let hold = self.change_holds(code.slot(), |holds| {
            let mut hold = holds.remove(number)?;
            hold.expires_at = hold.expires_at.max(expires_at);
            holds.insert(hold.clone());
            Some(hold)
        });
        Some(HoldPlaced { hold: hold.flatten()?, placing: Placing::Prolonged })
    }

    fn slot_at(&self, place: usize) -> Option<Slot> {
        let first = self.layout.slots_of(self.shard).start;
        Slot::new(first + u16::try_from(place).ok()?)
    }
}
