//! What is known of one code: its redemptions, and what may have happened besides.

use std::collections::HashMap;

use serde_json::Value;

use super::Fault;
use super::rules::Rules;

/// A code's history as its clients know it.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The redemptions that were acknowledged, as they were answered.
    pub(super) acknowledged: Vec<Value>,
    /// Attempts that are on their way.
    pub(super) open: u64,
    /// Attempts without a key that were cut off; each may have been a redemption.
    pub(super) unknown: u64,
    /// Requests with a key, by the key.
    pub(super) keyed: HashMap<String, Keyed>,
}

/// A request with a key.
#[derive(Clone, Debug)]
pub(super) struct Keyed {
    /// What is sent under the key, always the same.
    pub(super) body: String,
    /// The redemption that it was answered with.
    pub(super) answer: Option<Value>,
    /// Whether it was cut off and may have been a redemption.
    pub(super) is_lost: bool,
    /// Whether somebody sends it just now.
    pub(super) is_busy: bool,
}

impl Keyed {
    pub(super) fn new(body: String) -> Self {
        Self { body, answer: None, is_lost: false, is_busy: false }
    }
}

impl History {
    /// How many redemptions there may be besides those that were acknowledged.
    pub(super) fn possible(&self) -> u64 {
        let lost = self.keyed.values().filter(|keyed| keyed.is_lost && !keyed.is_busy).count();
        self.open + self.unknown + lost as u64
    }

    /// How many redemptions there may be at most.
    pub(super) fn most(&self) -> u64 {
        self.acknowledged.len() as u64 + self.possible()
    }

    /// A redemption was acknowledged.
    pub(super) fn acknowledge(&mut self, redemption: Value, after: &Rules) -> Result<(), Fault> {
        self.acknowledged.push(redemption);
        let uses = self.acknowledged.len() as u64;
        match after.most_uses() {
            Some(limit) if uses > limit => {
                Err(format!("a code was redeemed {uses} times and may be {limit} times: {self:?}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it may be that the code was redeemed as often as it may be, as the server said.
    /// `before` are the rules when it was asked. The attempt itself no longer counts as open.
    pub(super) fn can_be_used_up(&self, before: &Rules) -> bool {
        before.uses.acknowledged.is_some_and(|limit| self.most() >= limit)
    }
}
