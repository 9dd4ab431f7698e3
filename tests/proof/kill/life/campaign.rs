//! A campaign, its codes, and its total while somebody changes it.

use std::sync::{Arc, Mutex, RwLock};

use super::super::Fault;
use super::terms::Terms;

/// A campaign.
#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) id: String,
    pub(super) terms: &'static Terms,
    /// The newest codes are the last.
    pub(super) codes: RwLock<Vec<Arc<Code>>>,
    pub(super) total: Mutex<Total>,
}

/// A code.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) text: String,
    /// The handle by which events name it.
    pub(super) hint: String,
    pub(super) campaign: Arc<Campaign>,
}

/// How many uses a campaign allows in all. A change that was sent and not answered may or may not
/// have happened, until somebody looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Total {
    acknowledged: u64,
    sent: Option<u64>,
    /// The lowest and the highest that may have been in force since the last look. Uses that a
    /// lowered limit found there count as if it were as high.
    pub(super) lowest: u64,
    pub(super) highest: u64,
}

impl Total {
    pub(super) fn new(limit: u64) -> Self {
        Self { acknowledged: limit, sent: None, lowest: limit, highest: limit }
    }

    /// A change is about to be sent.
    pub(super) fn send(&mut self, limit: u64) {
        self.sent = Some(limit);
        self.lowest = self.lowest.min(limit);
        self.highest = self.highest.max(limit);
    }

    /// The change that was sent is acknowledged.
    pub(super) fn acknowledge(&mut self) {
        self.acknowledged = self.sent.take().unwrap_or(self.acknowledged);
    }

    /// The server says what it is, while so many uses are taken.
    pub(super) fn observe(&mut self, found: u64, taken: u64) -> Result<(), Fault> {
        if found != self.acknowledged && Some(found) != self.sent {
            return Err(format!("total_uses is {found}, and was said to be {self:?}"));
        }
        *self = Self { acknowledged: found, sent: None, lowest: found, highest: found.max(taken) };
        Ok(())
    }

    /// What it is, between two rounds.
    pub(super) fn now(&self) -> u64 {
        self.acknowledged
    }
}
