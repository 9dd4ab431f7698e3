//! What a slot knows of its codes beyond their states: what few codes have, and what a slot without
//! it pays nothing for.

use super::balances::Balances;
use super::holds::Holds;
use super::undone::Undone;

/// Holds, balances and rollbacks of one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub(super) holds: Holds,
    pub(super) balances: Balances,
    pub(super) undone: Undone,
}
