//! The data directory and everything in it, opened as the settings say.

use std::path::Path;
use std::time::Duration;

use redeemd_actors::core::Limits;
use redeemd_actors::ledger_keeper::CommitPolicy;
use redeemd_actors::node::NodeOptions;
use redeemd_actors::policies::Policies;
use redeemd_actors::recovery::{Recovered, Sources, recover as recover_node};
use redeemd_actors::sequence_actor::SnapshotPolicy;
use redeemd_config::{JournalEngine, Settings};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::data_directory::{DataDirectory, Identity};
use redeemd_persistence::journal::{self, DirectoryId, Engine, MemoryStorage, Preparation};
use redeemd_persistence::ledger;

use super::Error;
use crate::secrets::FirstStart;

/// The folder of sled's files within the data directory.
const SLED_FOLDER: &str = "journal/sled";

/// Opens the data directory, or makes it as the settings say.
pub(super) fn open_directory(settings: &Settings) -> Result<DataDirectory, Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    let engine = settings.journal.engine.name();
    let identity = || Identity::new(DirectoryId(id), settings.shards.count, engine);
    Ok(DataDirectory::open(&settings.data_dir, identity)?)
}

/// Whether this start is the first, or completes a first one that was cut off before anything was
/// stored. What is stored may be enciphered under a secret, so from then on no new one is made.
pub(super) fn first_start(directory: &DataDirectory) -> FirstStart {
    let is_empty = || {
        ["journal", "ledger", "snapshots"].iter().all(|name| !directory.path().join(name).exists())
    };
    if directory.is_new() || is_empty() { FirstStart::Yes } else { FirstStart::No }
}

/// Brings everything back that the directory holds.
pub(super) fn recover(settings: &Settings, directory: &DataDirectory) -> Result<Recovered, Error> {
    let identity = directory.identity();
    let layout = layout(identity)?;
    if identity.shards != settings.shards.count {
        tracing::info!(
            shards = identity.shards,
            "the data directory keeps the number of shards that it was made with"
        );
    }
    if identity.engine != settings.journal.engine.name() {
        let engine = &identity.engine;
        tracing::info!(engine, "the data directory keeps the journal that it was made with");
    }
    let mut hash_key = [0; 16];
    getrandom::fill(&mut hash_key)?;
    let ledger = ledger::Settings {
        file_bytes: settings.ledger.file_bytes,
        cache_bytes: settings.ledger.cache_bytes as u64,
        ..ledger::Settings::new(identity.id.0, hash_key)
    };
    let journal = journal::Options {
        directory: identity.id,
        engine: engine(settings, &identity.engine, directory.path())?,
        minimum_free_bytes: settings.journal.minimum_free_bytes,
        reserve_bytes: settings.journal.reserve_bytes,
    };
    let sources =
        Sources { disk: directory.disk(), directory: identity.id, layout, journal, ledger };
    Ok(recover_node(sources)?)
}

/// How a directory's slots are divided.
pub(super) fn layout(identity: &Identity) -> Result<ShardLayout, Error> {
    ShardLayout::new(identity.shards).ok_or_else(|| {
        Error::Settings(format!(
            "the data directory has {} shards, which cannot be",
            identity.shards
        ))
    })
}

/// An engine by its name, for the data directory at a path.
pub(super) fn engine(settings: &Settings, name: &str, path: &Path) -> Result<Engine, Error> {
    let known = [JournalEngine::Segment, JournalEngine::Sled, JournalEngine::Memory];
    match known.into_iter().find(|engine| engine.name() == name) {
        Some(JournalEngine::Segment) => Ok(Engine::Segment {
            segment_bytes: settings.journal.segment_bytes,
            preparation: Preparation::Background,
        }),
        Some(JournalEngine::Sled) => Ok(Engine::sled(path.join(SLED_FOLDER))),
        Some(JournalEngine::Memory) => Ok(Engine::Memory(MemoryStorage::new())),
        None => Err(Error::Settings(format!(
            "the data directory's journal is kept by `{name}`, which this redeemd does not know"
        ))),
    }
}

/// What the node is started with.
pub(super) fn node_options(settings: &Settings, layout: ShardLayout) -> NodeOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let shard_threads = match settings.shards.threads {
        // HTTP takes most of the time of a request; a thread for every other core keeps up with it.
        0 => (cores / 2).clamp(1, layout.shards().into()),
        threads => threads,
    };
    let policies = policies(settings);
    NodeOptions {
        limits: policies.limits,
        mailbox_capacity: settings.shards.mailbox_capacity,
        shard_threads,
        commit_policy: policies.commit,
        snapshot_policy: policies.snapshots,
    }
}

/// What bounds and paces the actors, and may change while they run.
pub(super) fn policies(settings: &Settings) -> Policies {
    Policies {
        limits: Limits {
            max_in_flight: settings.shards.max_in_flight,
            max_ledger_lag: settings.ledger.max_lag,
            max_clock_leap_ms: settings.clock.max_leap_seconds.saturating_mul(1000),
            ..Limits::default()
        },
        commit: CommitPolicy {
            interval: Duration::from_millis(settings.ledger.commit_interval_ms),
            bytes: settings.ledger.commit_bytes,
        },
        snapshots: SnapshotPolicy {
            entries: settings.snapshots.interval_entries,
            interval: Duration::from_secs(settings.snapshots.interval_seconds),
            journal_bytes: settings.snapshots.journal_bytes,
        },
    }
}

/// Tells the log what was brought back.
pub(super) fn report(recovered: &Recovered, elapsed: Duration) {
    let report = &recovered.report;
    if let Some(torn) = &report.journal.torn_tail {
        tracing::warn!(
            place = %torn.place,
            bytes = torn.dropped_bytes,
            "a block that was never acknowledged is cut off the journal's end"
        );
    }
    tracing::info!(
        entries = report.journal.replayed_entries,
        journal_bytes = report.journal.bytes,
        outcomes_added = report.outcomes_added,
        milliseconds = elapsed.as_millis() as u64,
        "brought back from the data directory"
    );
}
