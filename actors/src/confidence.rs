//! Whether one of a user's uses is claimed before the code's shard was asked about the code.
//!
//! Where a campaign limits its users, the code's shard says of nearly every code that a use must be
//! claimed first; not to ask saves one message of three. But a claim is an entry, and so is an
//! attempt that comes with one, even where it is refused, while a refusal without a claim costs none.
//! So whoever tries used codes again and again would fill the journal. Hence confidence must be
//! earned: each claim that is made unasked is a stake, which comes back only where the code was
//! granted, and every code that was granted adds a little to what can be staked.

use std::cell::Cell;

/// How many granted codes make up for one claim that was made in vain.
const STAKE: u32 = 8;

/// How many claims may be under way at the beginning.
const AT_FIRST: u32 = 1_024;

/// How many claims may ever be under way, and so be in vain one after the other.
const AT_MOST: u32 = 16_384;

/// What one thread may stake.
#[derive(Debug)]
pub struct Confidence(Cell<u32>);

impl Default for Confidence {
    fn default() -> Self {
        Self(Cell::new(AT_FIRST * STAKE))
    }
}

impl Confidence {
    /// Stakes so many claims, all of them or none; whether they may be made.
    pub fn stake(&self, claims: usize) -> bool {
        let wanted = u32::try_from(claims).unwrap_or(u32::MAX).checked_mul(STAKE);
        let left = wanted.and_then(|wanted| self.0.get().checked_sub(wanted));
        left.into_iter().for_each(|left| self.0.set(left));
        left.is_some()
    }

    /// A code was granted for which a claim was staked.
    pub fn won(&self) {
        self.add(STAKE + 1);
    }

    /// A code was granted whose shard had been asked first.
    pub fn earned(&self) {
        self.add(1);
    }

    fn add(&self, more: u32) {
        self.0.set((self.0.get() + more).min(AT_MOST * STAKE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_in_vain_are_few_for_each_code_that_was_granted() {
        let confidence = Confidence::default();
        assert!(!confidence.stake(1_025), "all or none");
        assert!((0..1_024).all(|_| confidence.stake(1)));
        assert!(!confidence.stake(1), "nothing came back");
        (0..7).for_each(|_| confidence.earned());
        assert!(!confidence.stake(1));
        confidence.earned();
        assert!(confidence.stake(1));
        confidence.won();
        assert!(confidence.stake(1), "what was won can be staked again");
        assert!(!confidence.stake(1));
    }

    #[test]
    fn confidence_has_a_bound() {
        let confidence = Confidence::default();
        (0..1_000_000).for_each(|_| confidence.earned());
        assert!(!confidence.stake(16_385));
        assert!(confidence.stake(16_384));
        assert!(!confidence.stake(1));
        assert!(!confidence.stake(usize::MAX));
    }
}
