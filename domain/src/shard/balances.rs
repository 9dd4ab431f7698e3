//! Money on codes: what is left on those of a slot, and how it moves. A code is worth what its campaign says until it is first
//! spent from or topped up; from then on it stands here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codes::CodeKey;
use crate::rules::{Balance, Rules};

/// A movement of a code's balance. A stored format, like all of `command.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// How much was moved, in minor units.
    pub amount: u64,
    /// What the code was worth afterwards.
    pub left: u64,
}

/// What is left of each code of a slot that was ever touched, in minor units.
#[derive(Clone, Debug, Default)]
pub(super) struct Balances(BTreeMap<CodeKey, u64>);

impl Balances {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left of a code of a campaign with these rules; `None` where such codes are worth
    /// nothing.
    pub(super) fn left(balances: Option<&Self>, code: &CodeKey, rules: &Rules) -> Option<u64> {
        let Balance { minor_units, .. } = rules.balance?;
        Some(balances.and_then(|balances| balances.0.get(code)).map_or(minor_units, |&left| left))
    }

    pub(super) fn set(&mut self, code: CodeKey, left: u64) {
        self.0.insert(code, left);
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&CodeKey, &u64)> {
        self.0.iter()
    }

    /// What a snapshot kept; `None` when it is out of order.
    pub(super) fn restore(balances: Vec<(CodeKey, u64)>) -> Option<Self> {
        let are_in_order = balances.is_sorted_by(|(one, _), (next, _)| one < next);
        are_in_order.then(|| Self(balances.into_iter().collect()))
    }
}
