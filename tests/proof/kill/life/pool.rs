//! The redemptions and holds that clients know of, for others to do something with them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::campaign::Code;
use crate::dice::Dice;

/// How many of the newest are chosen from.
const NEWEST: usize = 64;

/// What clients know of.
#[derive(Debug, Default)]
pub(super) struct Pool {
    redemptions: Vec<Use>,
    holds: Vec<Use>,
    /// How many requests to roll back each redemption were made.
    rollbacks: HashMap<String, u64>,
    /// The holds that somebody wished to give up.
    releases: HashSet<String>,
}

/// A redemption or a hold.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) id: String,
    pub(super) code: Arc<Code>,
    pub(super) user: String,
}

impl Pool {
    pub(super) fn add_redemption(&mut self, redemption: Use) {
        self.redemptions.push(redemption);
    }

    pub(super) fn add_hold(&mut self, hold: Use) {
        self.holds.push(hold);
    }

    /// Forgets what is there, for what is known to be there now.
    pub(super) fn clear(&mut self) {
        self.redemptions.clear();
        self.holds.clear();
    }

    /// A redemption to roll back, mostly one that nobody else will.
    pub(super) fn redemption(&mut self, dice: &mut Dice) -> Option<Use> {
        choose(&mut self.redemptions, dice, 70)
    }

    /// A hold to end; others may do so, too.
    pub(super) fn hold(&mut self, dice: &mut Dice) -> Option<Use> {
        choose(&mut self.holds, dice, 50)
    }

    /// A request to roll a redemption back is made.
    pub(super) fn roll_back(&mut self, redemption: &str) {
        *self.rollbacks.entry(redemption.to_owned()).or_default() += 1;
    }

    /// A request to give a hold up is made.
    pub(super) fn release(&mut self, hold: &str) {
        self.releases.insert(hold.to_owned());
    }

    /// Whether a request to give a hold up was made.
    pub(super) fn is_released(&self, hold: &str) -> bool {
        self.releases.contains(hold)
    }

    /// Whether a request to roll a redemption back was made.
    pub(super) fn is_rolled_back(&self, redemption: &str) -> bool {
        self.rollbacks.contains_key(redemption)
    }

    /// Whether more than one request to roll a redemption back was made.
    pub(super) fn is_rolled_back_by_others(&self, redemption: &str) -> bool {
        self.rollbacks.get(redemption).is_some_and(|count| *count > 1)
    }
}

fn choose(uses: &mut Vec<Use>, dice: &mut Dice, taken_percent: u64) -> Option<Use> {
    let count = uses.len();
    if count == 0 {
        return None;
    }
    let place = count - 1 - dice.below(count.min(NEWEST));
    match dice.percent(taken_percent) {
        true => Some(uses.swap_remove(place)),
        false => Some(uses[place].clone()),
    }
}
