//! How often what happened.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// Counts by name.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<String, u64>>);

/// What any few rounds meet, and what only many are sure to.
const OFTEN: [&str; 8] = [
    "redeemed",
    "held",
    "rolled back",
    "repeated",
    "cut off",
    "events",
    "campaign_limit_reached",
    "user_limit_reached",
];
const SOMETIMES: [&str; 15] = [
    "batches",
    "confirmed",
    "released",
    "expired",
    "prolonged",
    "rolled back in part",
    "topped up",
    "repeated after its rollback",
    "had happened",
    "already_redeemed",
    "already_rolled_back",
    "code_held",
    "hold_ended",
    "insufficient_balance",
    "totals changed",
];

impl Tally {
    pub(super) fn count(&self, what: &str) {
        self.count_many(what, 1);
    }

    pub(super) fn count_many(&self, what: &str, many: u64) {
        *self.0.lock().unwrap().entry(what.to_owned()).or_default() += many;
    }

    /// How often something happened.
    pub(super) fn get(&self, what: &str) -> u64 {
        self.0.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    /// What so many rounds should have met and did not.
    pub(super) fn missing(&self, rounds: usize) -> Vec<&'static str> {
        let often = OFTEN.iter().filter(|_| rounds >= 4);
        let sometimes = SOMETIMES.iter().filter(|_| rounds >= 50);
        let counts = self.0.lock().unwrap();
        often.chain(sometimes).filter(|what| !counts.contains_key(**what)).copied().collect()
    }

    /// All counts, for people.
    pub(super) fn summary(&self) -> String {
        let counts = self.0.lock().unwrap();
        let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        counts.join(", ")
    }
}
