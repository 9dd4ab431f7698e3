//! What became of the attempts to redeem for which a claim was made: kept where the code is, since
//! only there it is decided, and until the user's shard knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::acknowledgement::Acknowledgement;
use super::steps::Claim;
use super::steps::Forbid;
use super::{Outcome, Shard};
use crate::delivery::{Seen, Window};

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// The code was redeemed, or is held.
    Granted,
    /// It was not, and with this claim it never will be.
    Refused,
}

/// The fates of attempts, by the shard that counts the user's uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts(BTreeMap<u16, Window<Fate>>);

impl Attempts {
    /// What is known of an attempt.
    fn look(&self, shard: u16, number: u64) -> Seen<Fate> {
        self.0.get(&shard).map_or(Seen::Never, |window| window.look(number))
    }

    /// Keeps an attempt's fate. A fate that is known already stays.
    fn note(&mut self, shard: u16, number: u64, fate: Fate) {
        self.0.entry(shard).or_default().note(number, fate);
    }

    /// All windows, in the order of the shards.
    pub(super) fn windows(&self) -> impl Iterator<Item = (u16, &Window<Fate>)> {
        self.0.iter().map(|(&shard, window)| (shard, window))
    }

    pub(super) fn restore(&mut self, shard: u16, window: Window<Fate>) {
        self.0.insert(shard, window);
    }
}

impl Shard {
    /// Ends all attempts with claims of a shard below a number.
    pub(super) fn end_attempts(&mut self, shard: u16, below: u64) {
        self.attempts.0.entry(shard).or_default().end_below(below);
    }

    /// Makes an attempt with a claim, unless that claim is void: each serves one attempt. Whatever
    /// refuses the attempt settles the claim's fate; only where a share of the campaign's total has
    /// to be brought first the same claim may be used again.
    pub(super) fn with_claim(
        &mut self,
        claim: Option<Claim>,
        attempt: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let Some(claim) = claim else { return attempt(self) };
        let window = self.attempts.0.entry(claim.shard).or_default();
        window.end_below(claim.resolved_below);
        if window.look(claim.number) != Seen::Never {
            return Outcome::Acknowledged(Acknowledgement::ClaimVoid);
        }
        let outcome = attempt(self);
        let fate = match &outcome {
            // A hold of the user that was there already brings its own.
            Outcome::Done(record) if record.claim() == Some(claim) => Fate::Granted,
            Outcome::Acknowledged(Acknowledgement::ShareFirst { .. }) => return outcome,
            _ => Fate::Refused,
        };
        self.attempts.note(claim.shard, claim.number, fate);
        outcome
    }

    /// What an attempt came to, if that is certain already.
    pub(super) fn foresee_forbid(&self, forbid: &Forbid) -> Option<Outcome> {
        match self.attempts.look(forbid.shard, forbid.number) {
            Seen::Never => None,
            Seen::Before(fate) => Some(Outcome::Acknowledged(Acknowledgement::Attempted(fate))),
            // Its claim is not pending any more, so that whatever is said of it changes nothing.
            Seen::Over => Some(Outcome::Acknowledged(Acknowledgement::Attempted(Fate::Refused))),
        }
    }

    /// Makes certain what became of an attempt: one that has not come never will.
    pub(super) fn forbid(&mut self, forbid: Forbid) -> Outcome {
        self.foresee_forbid(&forbid).unwrap_or_else(|| {
            self.attempts.note(forbid.shard, forbid.number, Fate::Refused);
            Outcome::Acknowledged(Acknowledgement::Attempted(Fate::Refused))
        })
    }
}
