//! What differs between two loads of the settings, and what of it a running server can take over.

use crate::describe::{Described, Description};

/// The settings that a running server takes over when it loads them again; all others need a
/// restart. `default.toml` says the same beside each setting.
const LIVE: [&str; 24] = [
    "clock.max_leap_seconds",
    "events.heartbeat_seconds",
    "events.max_bytes_per_second",
    "events.max_listeners",
    "holds.max_live",
    "http.allowed_origins",
    "http.body_limit_bytes",
    "http.max_in_flight",
    "http.shutdown_delay_seconds",
    "http.shutdown_grace_seconds",
    "http.trusted_proxies",
    "ledger.commit_bytes",
    "ledger.commit_interval_ms",
    "ledger.max_lag",
    "limits.enabled",
    "limits.public_burst",
    "limits.public_requests_per_second",
    "log.level",
    "log.requests",
    "redemptions.rollback_max_age_days",
    "shards.max_in_flight",
    "snapshots.interval_entries",
    "snapshots.interval_seconds",
    "snapshots.journal_bytes",
];

/// When a changed setting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once: the running server takes it over.
    Live,
    /// At the next start.
    Restart,
}

impl Effect {
    /// When a change of this setting counts.
    pub fn of(key: &str) -> Self {
        if LIVE.contains(&key) { Self::Live } else { Self::Restart }
    }
}

/// One setting that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The setting as it is now; never a secret.
    pub setting: Described,
    /// The value before.
    pub former: String,
    /// When the change counts.
    pub effect: Effect,
}

impl Description {
    /// What differs from a former load, sorted by key: also where the difference is not shown. Both
    /// have the same keys, those of `default.toml`.
    pub fn changes_since(&self, former: &Self) -> Vec<Change> {
        let change = |setting: &Described| {
            let then = former.settings().iter().find(|then| then.key == setting.key)?;
            let is_changed = then.value != setting.value || then.hidden != setting.hidden;
            is_changed.then(|| Change {
                setting: setting.clone(),
                former: then.value.clone(),
                effect: Effect::of(&setting.key),
            })
        };
        self.settings().iter().filter_map(change).collect()
    }
}
