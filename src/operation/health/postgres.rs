//! The facts about the projection to PostgreSQL, and their judgement.

use std::sync::atomic::Ordering;

use redeemd_actors::projector::status::{ProjectorStatus, Trouble};
use redeemd_actors::wall_clock::seconds_since_1970;

use super::facts::{check, part};
use super::{Finding, Part};

/// What is known at one moment of a projection that there is.
#[derive(Clone, Debug, Default)]
pub(super) struct ProjectionFacts {
    pub(super) backlog: u64,
    /// How far behind it may be.
    pub(super) max_lag: u64,
    pub(super) oldest_seconds: u64,
    pub(super) drain_seconds: u64,
    pub(super) set_aside: u64,
    pub(super) trouble: Option<Trouble>,
}

impl ProjectionFacts {
    /// Looks at a projection; `None` where there is none.
    pub(super) fn gather(status: &ProjectorStatus, max_lag: u64) -> Option<Self> {
        status.is_configured.load(Ordering::Relaxed).then(|| Self {
            backlog: status.backlog.get(),
            max_lag,
            oldest_seconds: oldest_waiting_seconds(status),
            drain_seconds: status.drain_seconds.get(),
            set_aside: status.set_aside.get(),
            trouble: status.trouble(),
        })
    }

    /// What they mean. None of it is unhealthy: redemptions go on whatever becomes of the database.
    pub(super) fn judge(self) -> Part {
        let finding = match &self.trouble {
            Some(trouble) if trouble.is_lasting => Some(Finding::PostgresRefused),
            Some(_) => Some(Finding::PostgresAway),
            None if self.backlog > self.max_lag => Some(Finding::PostgresBehind),
            None => (self.set_aside > 0).then_some(Finding::PostgresSetAside),
        };
        let checks = vec![
            check("backlog", self.backlog, Some(self.max_lag), "entries"),
            check("oldest_waiting", self.oldest_seconds, None, "seconds"),
            check("drain", self.drain_seconds, None, "seconds"),
            check("set_aside", self.set_aside, Some(1), "outcomes"),
        ];
        let note = self.trouble.map(|trouble| trouble.reason);
        Part { note, ..part("postgres", finding, checks) }
    }
}

/// The age of the oldest outcome that is not in the database; 0 where there is none.
pub fn oldest_waiting_seconds(status: &ProjectorStatus) -> u64 {
    match status.oldest_waiting_ms.get() {
        0 => 0,
        at => seconds_since_1970().saturating_sub(at / 1000),
    }
}
