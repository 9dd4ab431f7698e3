//! Which redemptions of a slot's codes were rolled back.
//!
//! A code's generation counts its whole rollbacks, and a redemption carries the generation that it
//! found. Whenever a rollback leaves a code without any use, everything before it is undone, and
//! the generation alone says so from then on: for codes with a single use nothing else is ever
//! kept. Where uses remain, the numbers of the redemptions that were undone stand here until the
//! last use is given back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rollback::Extent;
use super::slot_state::CodeState;
use crate::codes::CodeKey;

/// What was undone of the codes of one slot, beyond what their generations say.
#[derive(Clone, Debug, Default)]
pub(super) struct Undone(BTreeMap<CodeKey, Undoing>);

/// What was undone of one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Undoing {
    /// Redemptions of a lower generation are all undone.
    since: u32,
    /// Those of this or a later one that were undone, wholly or in part, by their entries' numbers.
    redemptions: BTreeMap<u64, Extent>,
}

impl Undone {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much of a redemption was undone, if anything. `state` is its code's.
    pub(super) fn extent(
        &self,
        code: &CodeKey,
        state: CodeState,
        generation: u32,
        number: u64,
    ) -> Option<Extent> {
        let undoing = self.0.get(code);
        if generation < undoing.map_or(state.generation, |undoing| undoing.since) {
            return Some(Extent::Whole);
        }
        undoing?.redemptions.get(&number).copied()
    }

    /// Notes how much of a redemption is undone. `generation` is its code's before.
    pub(super) fn note(&mut self, code: CodeKey, generation: u32, number: u64, extent: Extent) {
        let new = || Undoing { since: generation, redemptions: BTreeMap::new() };
        let undoing = self.0.entry(code).or_insert_with(new);
        undoing.redemptions.insert(number, extent);
    }

    /// Forgets what was noted of a code, because its last use is given back.
    pub(super) fn forget(&mut self, code: &CodeKey) {
        self.0.remove(code);
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&CodeKey, &Undoing)> {
        self.0.iter()
    }

    /// What a snapshot kept; `None` when it is out of order.
    pub(super) fn restore(undone: Vec<(CodeKey, Undoing)>) -> Option<Self> {
        let are_in_order = undone.is_sorted_by(|(one, _), (next, _)| one < next);
        are_in_order.then(|| Self(undone.into_iter().collect()))
    }
}
