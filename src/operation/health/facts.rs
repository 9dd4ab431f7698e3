//! The facts that health is judged by, and the judgement: numbers in, findings out.

use std::sync::atomic::{AtomicBool, Ordering};

use redeemd_actors::clock_watch;
use redeemd_actors::node::Node;
use redeemd_actors::status::SequenceStatus;
use redeemd_config::Settings;

use super::super::{Operation, Stage};
use super::postgres::ProjectionFacts;
use super::redis_facts::RedisFacts;
use super::{Check, Finding, Part, Report};

/// How many of the snapshots' intervals may pass before one is overdue, besides the time that
/// writing takes.
const OVERDUE_INTERVALS: u64 = 3;
/// See [`OVERDUE_INTERVALS`]; in seconds.
const WRITING_SECONDS: u64 = 60;

/// How long a claim may be unsettled; each is asked about after a second or two.
const OLDEST_CLAIM_SECONDS: u64 = 10;

/// What is known at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) stage: Option<Stage>,
    pub(super) uptime_seconds: u64,
    pub(super) connections: u64,
    pub(super) max_connections: u64,
    pub(super) fatal: Option<String>,
    pub(super) journal_bytes: u64,
    /// The size at which snapshots are taken for the journal's sake; 0 where they are not.
    pub(super) journal_target_bytes: u64,
    pub(super) journal_waiting: u64,
    pub(super) disk_is_full: bool,
    pub(super) disk_failure: Option<String>,
    pub(super) free_bytes: Option<u64>,
    pub(super) minimum_free_bytes: u64,
    pub(super) resident_bytes: u64,
    pub(super) memory_limit_bytes: Option<u64>,
    pub(super) clock_leapt: bool,
    pub(super) clock_behind_ms: u64,
    pub(super) max_leap_seconds: u64,
    pub(super) is_spread: bool,
    pub(super) sequences: u64,
    pub(super) unreachable: u64,
    pub(super) down: u64,
    pub(super) waiting: u64,
    pub(super) mailbox_capacity: u64,
    /// The age of the oldest claim on a user's use that is not settled.
    pub(super) claim_age_seconds: u64,
    pub(super) in_flight: u64,
    pub(super) max_in_flight: u64,
    pub(super) ledger_waiting: u64,
    pub(super) ledger_lag: u64,
    pub(super) max_lag: u64,
    pub(super) snapshot_failed: bool,
    /// The age of the oldest newest snapshot of a sequence that has changed since.
    pub(super) snapshot_age_seconds: u64,
    /// 0 where snapshots do not depend on time.
    pub(super) snapshot_interval_seconds: u64,
    /// Where there is a database that outcomes are copied to.
    pub(super) projection: Option<ProjectionFacts>,
    /// Where attempts are to be counted in Redis.
    pub(super) redis: Option<RedisFacts>,
    pub(super) reload_error: Option<String>,
    pub(super) waiting_for_restart: Vec<String>,
    pub(super) reloaded_at: u64,
}

impl Facts {
    /// Looks at everything.
    pub(super) fn gather(operation: &Operation) -> Self {
        let live = operation.live.settings();
        let reload = operation.reloads.last();
        let free = rustix::fs::statvfs(&operation.data_dir).ok();
        let mut facts = Self {
            stage: Some(operation.lifecycle.stage()),
            uptime_seconds: operation.lifecycle.age().as_secs(),
            connections: operation.connections.open(),
            max_connections: operation.settings.http.max_connections as u64,
            free_bytes: free.map(|free| free.f_bavail.saturating_mul(free.f_frsize)),
            minimum_free_bytes: operation.settings.journal.minimum_free_bytes,
            resident_bytes: operation.memory.usage().map_or(0, |usage| usage.resident()),
            memory_limit_bytes: operation.memory.limit_bytes,
            max_leap_seconds: live.clock.max_leap_seconds,
            mailbox_capacity: operation.settings.shards.mailbox_capacity as u64,
            projection: ProjectionFacts::gather(&operation.projector, &operation.settings.postgres),
            redis: RedisFacts::gather(&operation.sharing),
            reload_error: reload.error,
            waiting_for_restart: reload.waiting,
            reloaded_at: reload.at,
            is_spread: true,
            ..Self::default()
        };
        if let Some(node) = operation.node() {
            facts.add_node(node, &live);
        }
        facts
    }

    fn add_node(&mut self, node: &Node, live: &Settings) {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let status = &node.status;
        let most = |of: &dyn Fn(&SequenceStatus) -> u64| {
            status.sequences.iter().map(of).max().unwrap_or(0)
        };
        self.fatal = status.fatal();
        self.journal_bytes = status.journal_bytes.get();
        self.journal_target_bytes = live.snapshots.journal_bytes;
        self.journal_waiting = status.journal_waiting.get();
        self.disk_is_full = is_set(&status.disk_is_full) || is_set(&status.ledger_waits_for_room);
        self.disk_failure = status.disk_failure();
        self.clock_leapt = status.sequences.iter().any(|one| is_set(&one.clock_leapt));
        self.clock_behind_ms = most(&|one| one.clock_behind_ms.get());
        self.is_spread = node.is_ready();
        self.sequences = status.sequences.len() as u64;
        self.unreachable = (node.shards.unreachable() + node.control.unreachable()) as u64;
        self.down = status.sequences.iter().filter(|one| is_set(&one.is_down)).count() as u64;
        self.waiting = most(&|one| one.waiting.get());
        let now_ms = node.clock.now().wall.0;
        self.claim_age_seconds = most(&|one| match one.oldest_claim_at.get() {
            0 => 0,
            made_ms => now_ms.saturating_sub(made_ms) / 1_000,
        });
        self.in_flight = most(&|one| one.in_flight.get());
        self.max_in_flight = live.shards.max_in_flight as u64;
        self.ledger_waiting = status.ledger_waiting.get();
        self.ledger_lag = most(&|one| one.applied.get().saturating_sub(one.covered.get()));
        self.max_lag = live.ledger.max_lag;
        self.snapshot_failed = status.sequences.iter().any(|one| is_set(&one.snapshot_failed));
        self.snapshot_age_seconds = most(&|one| {
            let has_changed = one.applied.get() > one.snapshot.get();
            if has_changed { one.snapshot_since.age().as_secs() } else { 0 }
        });
        self.snapshot_interval_seconds = live.snapshots.interval_seconds;
    }

    /// What they mean.
    pub(super) fn judge(self) -> Report {
        let mut parts = vec![
            self.server(),
            self.journal(),
            self.disk(),
            self.memory(),
            self.clock(),
            self.shards(),
            self.ledger(),
            self.snapshots(),
            self.configuration(),
        ];
        parts.extend(self.projection.map(ProjectionFacts::judge));
        parts.extend(self.redis.map(RedisFacts::judge));
        Report { parts }
    }

    fn server(&self) -> Part {
        let finding = match self.stage {
            Some(Stage::Starting) => Some(Finding::Starting),
            Some(Stage::Ending) => Some(Finding::Ending),
            Some(Stage::Serving) | None => None,
        };
        let checks = vec![
            check("uptime", self.uptime_seconds, None, "seconds"),
            check("connections", self.connections, Some(self.max_connections), "connections"),
        ];
        part("server", finding, checks)
    }

    fn journal(&self) -> Part {
        // Twice what calls for snapshots: less than that is usual while they are being written.
        let limit = Some(self.journal_target_bytes.saturating_mul(2)).filter(|&limit| limit > 0);
        let finding = if self.fatal.is_some() {
            Some(Finding::JournalFailed)
        } else {
            limit.filter(|&limit| self.journal_bytes > limit).map(|_| Finding::JournalLarge)
        };
        let checks = vec![
            check("stored", self.journal_bytes, limit, "bytes"),
            check("waiting", self.journal_waiting, None, "frames"),
        ];
        Part { note: self.fatal.clone(), ..part("journal", finding, checks) }
    }

    fn disk(&self) -> Part {
        let limit = self.minimum_free_bytes.saturating_mul(2);
        let finding = match self.free_bytes {
            _ if self.disk_failure.is_some() => Some(Finding::DiskFailed),
            _ if self.disk_is_full => Some(Finding::DiskFull),
            None => Some(Finding::DiskUnknown),
            Some(free) => (free < limit).then_some(Finding::DiskLow),
        };
        let checks = self.free_bytes.map(|free| check("free", free, Some(limit), "bytes"));
        let note = self.disk_failure.clone();
        Part { note, ..part("disk", finding, checks.into_iter().collect()) }
    }

    fn memory(&self) -> Part {
        let limit = self.memory_limit_bytes.map(|limit| limit / 10 * 9);
        let finding = limit.filter(|&limit| self.resident_bytes > limit);
        let checks = vec![check("resident", self.resident_bytes, limit, "bytes")];
        part("memory", finding.map(|_| Finding::MemoryLow), checks)
    }

    fn clock(&self) -> Part {
        let finding = if self.clock_leapt {
            Some(Finding::ClockLeapt)
        } else {
            let is_behind = self.clock_behind_ms >= clock_watch::NOTABLE_MS;
            is_behind.then_some(Finding::ClockBehind)
        };
        let notable = clock_watch::NOTABLE_MS / 1000;
        let checks = vec![
            check("leapt", self.clock_leapt.into(), Some(1), "clocks"),
            check("allowed_leap", self.max_leap_seconds, None, "seconds"),
            check("behind", self.clock_behind_ms / 1000, Some(notable), "seconds"),
        ];
        part("clock", finding, checks)
    }

    fn shards(&self) -> Part {
        let limit = self.mailbox_capacity / 2;
        let finding = if self.down > 0 {
            Some(Finding::SequenceDown)
        } else if self.unreachable > 0 {
            Some(Finding::SequenceRebuilding)
        } else if !self.is_spread {
            Some(Finding::CampaignsSpreading)
        } else if limit > 0 && self.waiting >= limit {
            Some(Finding::MailboxFilling)
        } else {
            // Ages are nothing to go by once the clock has leapt.
            let is_old = self.claim_age_seconds > OLDEST_CLAIM_SECONDS && !self.clock_leapt;
            is_old.then_some(Finding::ClaimsUnresolved)
        };
        let checks = vec![
            check("sequences", self.sequences, None, "sequences"),
            check("unreachable", self.unreachable, Some(1), "sequences"),
            check("mailbox", self.waiting, Some(limit), "messages"),
            check("in_flight", self.in_flight, Some(self.max_in_flight), "entries"),
            check("oldest_claim", self.claim_age_seconds, Some(OLDEST_CLAIM_SECONDS), "seconds"),
        ];
        part("shards", finding, checks)
    }

    fn ledger(&self) -> Part {
        let limit = self.max_lag / 2;
        let finding = (limit > 0 && self.ledger_lag >= limit).then_some(Finding::LedgerBehind);
        let checks = vec![
            check("lag", self.ledger_lag, Some(limit), "entries"),
            check("waiting", self.ledger_waiting, None, "batches"),
        ];
        part("ledger", finding, checks)
    }

    fn snapshots(&self) -> Part {
        let interval = Some(self.snapshot_interval_seconds).filter(|&seconds| seconds > 0);
        let limit = interval.map(|seconds| {
            seconds.saturating_mul(OVERDUE_INTERVALS).saturating_add(WRITING_SECONDS)
        });
        // Ages are nothing to go by once the clock has leapt.
        let is_late = limit.is_some_and(|limit| self.snapshot_age_seconds > limit);
        let is_overdue = is_late && !self.clock_leapt;
        let finding = if self.snapshot_failed {
            Some(Finding::SnapshotFailed)
        } else {
            is_overdue.then_some(Finding::SnapshotOverdue)
        };
        part("snapshots", finding, vec![check("age", self.snapshot_age_seconds, limit, "seconds")])
    }

    fn configuration(&self) -> Part {
        let finding = self.reload_error.as_ref().map(|_| Finding::ReloadFailed);
        let waiting = &self.waiting_for_restart;
        let note = match &self.reload_error {
            Some(error) => Some(error.clone()),
            None if waiting.is_empty() => None,
            None => Some(format!("needs a restart: {}", waiting.join(", "))),
        };
        let checks = vec![
            check("reloaded_at", self.reloaded_at, None, "seconds since 1970"),
            check("waiting_for_restart", waiting.len() as u64, None, "settings"),
        ];
        Part { note, ..part("configuration", finding, checks) }
    }
}

pub(super) fn part(name: &'static str, finding: Option<Finding>, checks: Vec<Check>) -> Part {
    Part { name, finding, note: None, checks }
}

pub(super) fn check(
    name: &'static str,
    value: u64,
    limit: Option<u64>,
    unit: &'static str,
) -> Check {
    Check { name, value, limit, unit }
}
