//! Whose turn it is to issue codes of a campaign that has a pattern.
//!
//! Nothing depends on it but work: two that issue at once would list the same codes, and the control
//! sequence would refuse the second, who would begin anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use redeemd_domain::codes::CampaignNumber;
use tokio::sync::OwnedMutexGuard;

/// The turns of all campaigns, shared by all threads. One that nobody has or waits for costs
/// nothing.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<CampaignNumber, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the turn; it is over when what is returned is dropped.
    pub(super) async fn take(&self, campaign: CampaignNumber) -> OwnedMutexGuard<()> {
        self.of(campaign).lock_owned().await
    }

    fn of(&self, campaign: CampaignNumber) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(&campaign).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(campaign, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_one_at_a_time_and_leaves_nothing_behind() {
        let turns = Turns::default();
        let one = turns.of(CampaignNumber(1));
        let _held = one.try_lock().unwrap();
        assert!(turns.of(CampaignNumber(1)).try_lock().is_err());
        assert!(turns.of(CampaignNumber(2)).try_lock().is_ok());
        assert!(turns.of(CampaignNumber(3)).try_lock().is_ok());
        assert_eq!(turns.0.lock().unwrap().len(), 2, "that of campaign 2 is gone");
    }
}
