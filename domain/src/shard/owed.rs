//! Uses that are owed back to users: a rollback or an ended hold frees a use where the code is, and
//! the counter of the user stands in another shard. What is owed is kept until that shard has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::steps::GiveBack;
use super::users::UserDigest;
use super::{Outcome, Shard};
use crate::delivery::{Seen, Window};
use crate::rules::Period;

/// The most uses that one message gives back.
pub const MAX_GIVEN_BACK: usize = 1024;

/// A use that is to be given back to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedUse {
    /// The running number of what this shard owes.
    pub number: u64,
    /// Whose use it is.
    pub user: UserDigest,
    /// The period in which it was counted.
    pub period: Period,
}

/// What a shard owes, and what it was given back by others.
#[derive(Clone, Debug, Default)]
pub(super) struct Owed {
    /// The number of the last use that was owed.
    pub(super) last: u64,
    /// By the user's shard.
    pub(super) uses: BTreeMap<(u16, u64), OwedUse>,
    /// What came from the shards of codes.
    pub(super) received: BTreeMap<u16, Window<()>>,
}

impl Shard {
    /// Owes a user's use back.
    pub(super) fn owe(&mut self, user: UserDigest, period: Period) {
        self.owed.last += 1;
        let number = self.owed.last;
        let place = (self.layout.shard_of(user.slot()), number);
        self.owed.uses.insert(place, OwedUse { number, user, period });
    }

    /// The next uses that are to be given back to users of one shard, from a number of shards on.
    pub(super) fn next_owed(&self, from: u16) -> Option<(u16, GiveBack)> {
        let (&(target, first), _) = self.owed.uses.range((from, 0)..).next()?;
        let of_target = self.owed.uses.range((target, first)..=(target, u64::MAX));
        let uses = of_target.take(MAX_GIVEN_BACK).map(|(_, owed)| *owed).collect();
        Some((target, GiveBack { shard: self.shard, none_below: first, uses }))
    }

    /// Takes uses back that other shards owed to users of this one.
    pub(super) fn give_back(&mut self, give_back: GiveBack) -> Outcome {
        let GiveBack { shard, none_below, uses } = give_back;
        for OwedUse { number, user, period } in uses {
            let window = self.owed.received.entry(shard).or_default();
            window.end_below(none_below);
            if window.look(number) != Seen::Never {
                continue;
            }
            window.note(number, ());
            if let Some(slot) = self.slot_mut(user.slot()) {
                slot.users.take_back(&user, period);
            }
        }
        Outcome::Unchanged
    }

    /// Forgets what was owed and is delivered.
    pub(super) fn delivered(&mut self, shard: u16, numbers: &[u64]) -> Outcome {
        for &number in numbers {
            self.owed.uses.remove(&(shard, number));
        }
        Outcome::Unchanged
    }
}
