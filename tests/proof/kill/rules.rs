//! What is known of a campaign's rules while they change.
//!
//! A change that was sent and not answered may or may not have happened, until somebody looks.

use serde_json::Value;

/// A value that a client changes: what it was acknowledged to be, and what it may be besides.
#[derive(Clone, Debug)]
pub(super) struct Known<T> {
    pub(super) acknowledged: T,
    /// What was sent and has no answer yet.
    pub(super) sent: Option<T>,
}

impl<T: Clone + PartialEq + std::fmt::Debug> Known<T> {
    pub(super) fn new(value: T) -> Self {
        Self { acknowledged: value, sent: None }
    }

    /// The change that was sent is acknowledged.
    pub(super) fn acknowledge(&mut self) {
        if let Some(sent) = self.sent.take() {
            self.acknowledged = sent;
        }
    }

    /// The server says what it is. Afterwards it is that, since nobody changes it meanwhile.
    pub(super) fn observe(&mut self, found: T) -> Result<(), String> {
        if found != self.acknowledged && Some(&found) != self.sent.as_ref() {
            return Err(format!("it is {found:?}, and was said to be {self:?}"));
        }
        *self = Self::new(found);
        Ok(())
    }
}

/// The rules of a campaign.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) name: Known<String>,
    pub(super) reward: Known<Value>,
    /// How many rewards were asked for: a campaign keeps a limited number of them.
    pub(super) rewards_sent: usize,
    pub(super) paused: Known<bool>,
    /// How often its status has been changed or tried to be changed.
    pub(super) status_changes: u64,
    /// How often a code may be redeemed; `None` is without a limit. It only rises.
    pub(super) uses: Known<Option<u64>>,
}

impl Rules {
    pub(super) fn new(name: String, reward: Value, uses: Option<u64>) -> Self {
        Self {
            name: Known::new(name),
            reward: Known::new(reward),
            rewards_sent: 1,
            paused: Known::new(false),
            status_changes: 0,
            uses: Known::new(uses),
        }
    }

    /// Whether the campaign may have been paused at some time between two looks at its rules.
    pub(super) fn may_be_paused(before: &Self, after: &Self) -> bool {
        let may_be = |rules: &Self| rules.paused.acknowledged || rules.paused.sent.is_some();
        may_be(before) || may_be(after) || before.status_changes != after.status_changes
    }

    /// Whether it was paused all the time between two looks at its rules.
    pub(super) fn is_certainly_paused(before: &Self, after: &Self) -> bool {
        let is = |rules: &Self| rules.paused.acknowledged && rules.paused.sent.is_none();
        is(before) && is(after) && before.status_changes == after.status_changes
    }

    /// How often a code may have been redeemed at most.
    pub(super) fn most_uses(&self) -> Option<u64> {
        match &self.uses.sent {
            Some(sent) => (*sent).max(self.uses.acknowledged),
            None => self.uses.acknowledged,
        }
    }
}
