//! The holds on the codes of one slot, and of all slots the time when the next one expires.

use std::collections::{BTreeMap, BTreeSet};

use super::hold::Hold;
use crate::codes::CodeKey;
use crate::timestamp::Timestamp;

/// The holds of one slot. A user has at most one on each code.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    /// By the number of the entry that placed them.
    by_number: BTreeMap<u64, Hold>,
    /// Found again from the holds, hence no part of the canonical state.
    by_code: BTreeSet<(CodeKey, u64)>,
    /// Found again from the holds, too.
    by_expiry: BTreeSet<(Timestamp, u64)>,
}

impl Holds {
    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn get(&self, number: u64) -> Option<&Hold> {
        self.by_number.get(&number)
    }

    /// All of them, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.by_number.values()
    }

    /// Those on a code, in the order of their numbers.
    pub(super) fn on(&self, code: CodeKey) -> impl Iterator<Item = &Hold> {
        let places = self.by_code.range((code, 0)..=(code, u64::MAX));
        places.filter_map(|(_, number)| self.by_number.get(number))
    }

    /// The one that a user has on a code. It is no part of the code that judges every wish, since most
    /// slots have no holds.
    #[inline(never)]
    pub(super) fn of(&self, code: &CodeKey, user: &str) -> Option<&Hold> {
        self.on(*code).find(|hold| &*hold.user == user)
    }

    /// Those that should have ended by a time.
    pub(super) fn due(&self, at: Timestamp) -> impl Iterator<Item = &Hold> {
        let places = self.by_expiry.range(..=(at, u64::MAX));
        places.filter_map(|(_, number)| self.by_number.get(number))
    }

    /// When the first of them ends.
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        self.by_expiry.first().map(|&(at, _)| at)
    }

    pub(super) fn insert(&mut self, hold: Hold) {
        self.remove(hold.id.number);
        self.by_code.insert((hold.code, hold.id.number));
        self.by_expiry.insert((hold.expires_at, hold.id.number));
        self.by_number.insert(hold.id.number, hold);
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Hold> {
        let hold = self.by_number.remove(&number)?;
        self.by_code.remove(&(hold.code, number));
        self.by_expiry.remove(&(hold.expires_at, number));
        Some(hold)
    }

    /// Takes one out that should have ended by a time: the first to end, and of several the oldest.
    pub(super) fn take_due(&mut self, at: Timestamp) -> Option<Hold> {
        let number = self.due(at).next()?.id.number;
        self.remove(number)
    }

    /// The holds that a snapshot kept; `None` when they cannot be those of a slot: out of order, or
    /// two of one user on one code.
    pub(super) fn restore(holds: Vec<Hold>) -> Option<Self> {
        let numbers = holds.iter().map(|hold| hold.id.number);
        let are_in_order = numbers.is_sorted_by(|one, next| one < next);
        let mut restored = Self::default();
        for hold in holds {
            if restored.of(&hold.code, &hold.user).is_some() {
                return None;
            }
            restored.insert(hold);
        }
        are_in_order.then_some(restored)
    }
}

/// Where the next hold expires: of each slot that has holds, the first to end. Found again from the
/// slots, hence no part of the canonical state.
#[derive(Clone, Debug, Default)]
pub(super) struct Expiries {
    /// By the place of the slot in the shard.
    earliest: BTreeSet<(Timestamp, usize)>,
    /// How many holds there are in all.
    live: u64,
}

impl Expiries {
    /// How many holds there are in the shard.
    pub(super) fn live(&self) -> u64 {
        self.live
    }

    /// The place of the slot whose hold ends first, where that is due.
    pub(super) fn first_due(&self, at: Timestamp) -> Option<usize> {
        self.due(at).next()
    }

    /// The places of slots with a hold that is due.
    pub(super) fn due(&self, at: Timestamp) -> impl Iterator<Item = usize> {
        self.earliest.range(..=(at, usize::MAX)).map(|&(_, place)| place)
    }

    /// Carries out a change of a slot's holds, and keeps up with it.
    pub(super) fn follow<T>(
        &mut self,
        place: usize,
        holds: &mut Holds,
        change: impl FnOnce(&mut Holds) -> T,
    ) -> T {
        self.leave(place, holds);
        let told = change(holds);
        self.enter(place, holds);
        told
    }

    /// Takes a slot's holds in.
    pub(super) fn enter(&mut self, place: usize, holds: &Holds) {
        self.live += holds.len() as u64;
        self.earliest.extend(holds.earliest().map(|at| (at, place)));
    }

    fn leave(&mut self, place: usize, holds: &Holds) {
        self.live = self.live.saturating_sub(holds.len() as u64);
        if let Some(at) = holds.earliest() {
            self.earliest.remove(&(at, place));
        }
    }
}
