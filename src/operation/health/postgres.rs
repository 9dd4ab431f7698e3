//! The facts about the projection to PostgreSQL, and their judgement.

use std::sync::atomic::Ordering;

use redeemd_actors::projector::drain::Estimate;
use redeemd_actors::projector::status::{ProjectorStatus, Trouble};
use redeemd_actors::wall_clock::seconds_since_1970;
use redeemd_config::Postgres;

use super::facts::{check, part};
use super::{Finding, Part};

/// What is known at one moment of a projection that there is.
#[derive(Clone, Debug, Default)]
pub(super) struct ProjectionFacts {
    pub(super) backlog: u64,
    /// How far behind it may be.
    pub(super) max_lag: u64,
    pub(super) oldest_seconds: u64,
    pub(super) drain: Estimate,
    pub(super) backlog_bytes: u64,
    /// How many bytes may wait, if not any number.
    pub(super) max_backlog_bytes: Option<u64>,
    pub(super) is_full: bool,
    pub(super) set_aside: u64,
    pub(super) trouble: Option<Trouble>,
    /// Why nearly every outcome is refused, if so.
    pub(super) refuses_all: Option<String>,
}

impl ProjectionFacts {
    /// Looks at a projection; `None` where there is none.
    pub(super) fn gather(status: &ProjectorStatus, settings: &Postgres) -> Option<Self> {
        status.is_configured.load(Ordering::Relaxed).then(|| Self {
            backlog: status.backlog.get(),
            max_lag: settings.max_lag,
            oldest_seconds: oldest_waiting_seconds(status),
            drain: status.drain(),
            backlog_bytes: status.backlog_bytes.get(),
            max_backlog_bytes: Some(settings.max_backlog_bytes).filter(|&bytes| bytes > 0),
            is_full: status.is_full.load(Ordering::Relaxed),
            set_aside: status.set_aside.get(),
            trouble: status.trouble(),
            refuses_all: status.refuses_all(),
        })
    }

    /// What they mean. Only the bound that somebody set stands in the way of redemptions: they go on
    /// whatever else becomes of the database.
    pub(super) fn judge(self) -> Part {
        let finding = match &self.trouble {
            _ if self.is_full => Some(Finding::PostgresBacklogFull),
            Some(trouble) if trouble.is_lasting => Some(Finding::PostgresRefused),
            Some(_) => Some(Finding::PostgresAway),
            None if self.refuses_all.is_some() => Some(Finding::PostgresRefusesAll),
            None if self.backlog > self.max_lag => Some(Finding::PostgresBehind),
            None => (self.set_aside > 0).then_some(Finding::PostgresSetAside),
        };
        let mut checks = vec![
            check("backlog", self.backlog, Some(self.max_lag), "entries"),
            check("backlog_on_disk", self.backlog_bytes, self.max_backlog_bytes, "bytes"),
            check("oldest_waiting", self.oldest_seconds, None, "seconds"),
            check("set_aside", self.set_aside, Some(1), "outcomes"),
        ];
        let seconds = match self.drain {
            Estimate::None => Some(0),
            Estimate::Within(time) => Some(time.as_secs()),
            Estimate::Unknown | Estimate::Never => None,
        };
        checks.extend(seconds.map(|seconds| check("drain", seconds, None, "seconds")));
        let reason = self.trouble.map(|trouble| trouble.reason).or(self.refuses_all);
        let note = match reason {
            Some(reason) => Some(reason),
            None if self.drain == Estimate::Never => {
                Some("more comes than is written at present".to_owned())
            }
            None => None,
        };
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
