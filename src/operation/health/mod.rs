//! How well the server is: from facts to findings. Each finding has a name, which health shows and
//! the runbook in `docs/OPERATIONS.md` explains.

mod facts;
mod postgres;
mod redis_facts;

#[cfg(test)]
mod tests;

use facts::Facts;

pub use postgres::oldest_waiting_seconds;

use super::Operation;

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Nothing is to be done.
    Healthy,
    /// It serves, and somebody should look.
    Degraded,
    /// It does not serve as it should; send traffic elsewhere.
    Unhealthy,
}

impl Health {
    /// Its name in the interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Something that is not as it should be. The names are for programs and for the runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The server is still starting.
    Starting,
    /// The server was told to end.
    Ending,
    /// The journal failed, and the process is about to end.
    JournalFailed,
    /// The journal takes much more than snapshots should leave of it.
    JournalLarge,
    /// The disk is full: read-only.
    DiskFull,
    /// The disk cannot be used: read-only.
    DiskFailed,
    /// Little is free on the disk.
    DiskLow,
    /// The disk does not say how much is free.
    DiskUnknown,
    /// The process has nearly all memory that it may have.
    MemoryLow,
    /// The clock leapt ahead: read-only.
    ClockLeapt,
    /// The clock is behind what the journal has.
    ClockBehind,
    /// A sequence cannot be rebuilt.
    SequenceDown,
    /// A sequence is being rebuilt.
    SequenceRebuilding,
    /// Shards do not know all campaigns yet.
    CampaignsSpreading,
    /// A mailbox is filling.
    MailboxFilling,
    /// It is not known for long what became of claims on uses of users.
    ClaimsUnresolved,
    /// The ledger is falling behind.
    LedgerBehind,
    /// A snapshot could not be written.
    SnapshotFailed,
    /// A snapshot is overdue.
    SnapshotOverdue,
    /// The settings that were loaded last are wrong, and were not taken over.
    ReloadFailed,
    /// Redis answers too late, so that each server counts attempts for itself.
    RedisSlow,
    /// Redis cannot be reached, so that each server counts attempts for itself.
    RedisAway,
    /// Redis refuses, so that each server counts attempts for itself.
    RedisRefused,
    /// The database that outcomes are copied to cannot be reached.
    PostgresAway,
    /// That database does not take outcomes until somebody has done something.
    PostgresRefused,
    /// That database is far behind.
    PostgresBehind,
    /// That database refuses nearly every outcome for its content.
    PostgresRefusesAll,
    /// That database refused outcomes for their content.
    PostgresSetAside,
    /// As much waits for that database as may wait: read-only.
    PostgresBacklogFull,
}

impl Finding {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::Starting,
        Self::Ending,
        Self::JournalFailed,
        Self::JournalLarge,
        Self::DiskFull,
        Self::DiskFailed,
        Self::DiskLow,
        Self::DiskUnknown,
        Self::MemoryLow,
        Self::ClockLeapt,
        Self::ClockBehind,
        Self::SequenceDown,
        Self::SequenceRebuilding,
        Self::CampaignsSpreading,
        Self::MailboxFilling,
        Self::ClaimsUnresolved,
        Self::LedgerBehind,
        Self::SnapshotFailed,
        Self::SnapshotOverdue,
        Self::ReloadFailed,
        Self::RedisSlow,
        Self::RedisAway,
        Self::RedisRefused,
        Self::PostgresAway,
        Self::PostgresRefused,
        Self::PostgresBehind,
        Self::PostgresRefusesAll,
        Self::PostgresSetAside,
        Self::PostgresBacklogFull,
    ];

    /// Its name, how bad it is, and what to say of it.
    const fn row(self) -> (&'static str, Health, &'static str) {
        use Health::{Degraded, Unhealthy};
        match self {
            Self::Starting => ("starting", Unhealthy, "The server is still starting."),
            Self::Ending => ("ending", Unhealthy, "The server was told to end."),
            Self::JournalFailed => (
                "journal_failed",
                Unhealthy,
                "The journal failed; the server ends and recovers at its next start.",
            ),
            Self::JournalLarge => (
                "journal_large",
                Degraded,
                "The journal is much larger than snapshots should leave it.",
            ),
            Self::DiskFull => {
                ("disk_full", Unhealthy, "The disk is full, so that nothing can be changed.")
            }
            Self::DiskFailed => (
                "disk_failed",
                Unhealthy,
                "The data directory cannot be used, so that nothing can be changed.",
            ),
            Self::DiskLow => ("disk_low", Degraded, "The disk is nearly full."),
            Self::DiskUnknown => {
                ("disk_unknown", Degraded, "The disk does not say how much is free.")
            }
            Self::MemoryLow => {
                ("memory_low", Degraded, "The process has nearly all memory that it may have.")
            }
            Self::ClockLeapt => (
                "clock_leapt",
                Unhealthy,
                "The clock leapt ahead, and an operator has to say whether it is right.",
            ),
            Self::ClockBehind => (
                "clock_behind",
                Degraded,
                "The clock is behind the last entries; until it has caught up, times stay as they \
                 are, and things expire early.",
            ),
            Self::SequenceDown => {
                ("sequence_down", Unhealthy, "A part could not be rebuilt; restart the server.")
            }
            Self::SequenceRebuilding => {
                ("sequence_rebuilding", Unhealthy, "A part is being rebuilt after a failure.")
            }
            Self::CampaignsSpreading => (
                "campaigns_spreading",
                Degraded,
                "Not every part of the server knows all campaigns yet.",
            ),
            Self::MailboxFilling => {
                ("mailbox_filling", Degraded, "More is asked than is worked off.")
            }
            Self::ClaimsUnresolved => (
                "claims_unresolved",
                Degraded,
                "It is not known for long what became of claims on uses of users.",
            ),
            Self::LedgerBehind => ("ledger_behind", Degraded, "The ledger is falling behind."),
            Self::SnapshotFailed => {
                ("snapshot_failed", Degraded, "The last snapshot could not be written.")
            }
            Self::SnapshotOverdue => ("snapshot_overdue", Degraded, "A snapshot is overdue."),
            Self::ReloadFailed => (
                "reload_failed",
                Degraded,
                "The settings that were loaded last are wrong and not in force.",
            ),
            Self::RedisSlow => (
                "redis_slow",
                Degraded,
                "Redis answers too late; this server counts attempts for itself.",
            ),
            Self::RedisAway => (
                "redis_away",
                Degraded,
                "Redis cannot be reached; this server counts attempts for itself.",
            ),
            Self::RedisRefused => (
                "redis_refused",
                Degraded,
                "Redis refuses; this server counts attempts for itself.",
            ),
            Self::PostgresAway => (
                "postgres_away",
                Degraded,
                "PostgreSQL cannot be reached; outcomes wait in the ledger.",
            ),
            Self::PostgresRefused => (
                "postgres_refused",
                Degraded,
                "PostgreSQL takes no outcomes until somebody has done something.",
            ),
            Self::PostgresBehind => {
                ("postgres_behind", Degraded, "PostgreSQL is far behind the ledger.")
            }
            Self::PostgresRefusesAll => (
                "postgres_refuses_all",
                Degraded,
                "PostgreSQL refuses nearly every outcome for its content, so that only one now and \
                 then is tried.",
            ),
            Self::PostgresSetAside => (
                "postgres_set_aside",
                Degraded,
                "PostgreSQL refused outcomes for their content; they were set aside.",
            ),
            Self::PostgresBacklogFull => (
                "postgres_backlog_full",
                Unhealthy,
                "As much waits for PostgreSQL as may wait, so that nothing can be changed; only \
                 revoking, pausing and archiving go on.",
            ),
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// How bad it is.
    pub const fn health(self) -> Health {
        self.row().1
    }

    /// What to say of it.
    pub const fn detail(self) -> &'static str {
        self.row().2
    }
}

/// One thing that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How much.
    pub value: u64,
    /// From where on it is not healthy any more, if anywhere.
    pub limit: Option<u64>,
    /// In what.
    pub unit: &'static str,
}

/// One part of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in the interface.
    pub name: &'static str,
    /// The worst that was found, if anything was.
    pub finding: Option<Finding>,
    /// More for people, with nothing secret in it.
    pub note: Option<String>,
    /// What was measured.
    pub checks: Vec<Check>,
}

impl Part {
    /// How well it is.
    pub fn health(&self) -> Health {
        self.finding.map_or(Health::Healthy, Finding::health)
    }
}

/// How well everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The parts.
    pub parts: Vec<Part>,
}

impl Report {
    /// As well as the worst of its parts.
    pub fn health(&self) -> Health {
        self.parts.iter().map(Part::health).max().unwrap_or(Health::Healthy)
    }
}

/// Looks at the server.
pub fn examine(operation: &Operation) -> Report {
    Facts::gather(operation).judge()
}
