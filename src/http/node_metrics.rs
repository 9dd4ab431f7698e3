//! Metrics of the server's parts: what actors, stores and the process itself are doing.

use std::sync::atomic::Ordering;

use redeemd_actors::status::{SequenceStatus, Status};
use redeemd_domain::sequence::SequenceId;

use super::exposition::{Exposition, Kind};
use super::projector_metrics;
use super::sharing_metrics;
use crate::build;
use crate::operation::{Operation, Stage, examine};

/// Writes what the running of the server has to show.
pub(super) fn write(page: &mut Exposition, operation: &Operation) {
    write_process(page, operation);
    write_listeners(page, operation);
    write_settings(page, operation);
    projector_metrics::write(page, &operation.projector);
    sharing_metrics::write(page, &operation.sharing);
    if let Some(node) = operation.node() {
        write_node(page, &node.status);
        write_sequences(page, &node.status);
    }
}

fn write_process(page: &mut Exposition, operation: &Operation) {
    use Kind::{Counter, Gauge};
    let build = [("version", build::VERSION), ("commit", build::COMMIT)];
    page.facts("redeemd_build_info", "The version that runs, and what it was built from.", &build);
    let stage = operation.lifecycle.stage();
    let stages = [Stage::Starting, Stage::Serving, Stage::Ending];
    let stages = stages.map(|known| (known.name(), u8::from(known == stage)));
    page.labelled("redeemd_stage", Gauge, "The stage that the server is in: 1.", "stage", stages);
    let ready = u8::from(operation.is_ready());
    page.single("redeemd_ready", Gauge, "Whether it may be sent traffic.", ready);
    let parts = examine(operation).parts;
    let healths = parts.iter().map(|part| (part.name, part.health() as u8));
    let help = "How well each part is: 0 healthy, 1 degraded, 2 unhealthy.";
    page.labelled("redeemd_health", Gauge, help, "part", healths);
    let phases = operation.lifecycle.phases();
    let phases = phases.iter().map(|(name, duration)| (name, duration.as_secs_f64()));
    let help = "How long each phase of the start took.";
    page.labelled("redeemd_startup_phase_seconds", Gauge, help, "phase", phases);

    if let Some(usage) = operation.memory.usage() {
        let kinds =
            [("anonymous", usage.anonymous), ("file", usage.file), ("shared", usage.shared)];
        let help = "Resident memory of the process by kind.";
        page.labelled("redeemd_memory_resident_bytes", Gauge, help, "kind", kinds);
    }
    if let Some(limit) = operation.memory.limit_bytes {
        let help = "The memory that the process may have.";
        page.single("redeemd_memory_limit_bytes", Gauge, help, limit);
    }
    let cache = operation.settings.ledger.cache_bytes;
    let help = "The memory that the ledger may use for filters.";
    page.single("redeemd_ledger_cache_limit_bytes", Gauge, help, cache);
    if let Ok(disk) = rustix::fs::statvfs(&operation.data_dir) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let help = "Free space of the data directory's file system.";
        page.single("redeemd_disk_free_bytes", Gauge, help, free);
    }
    let minimum = operation.settings.journal.minimum_free_bytes;
    let help = "Free space below which nothing is changed.";
    page.single("redeemd_disk_minimum_free_bytes", Gauge, help, minimum);

    let connections = &operation.connections;
    page.single("redeemd_http_connections", Gauge, "Open connections.", connections.open());
    let help = "Connections that may be open at once.";
    let most = operation.settings.http.max_connections;
    page.single("redeemd_http_connections_limit", Gauge, help, most);
    let accepted = connections.accepted.get();
    let help = "Connections that were accepted.";
    page.single("redeemd_http_connections_accepted_total", Counter, help, accepted);
    let help = "Connections that were shut down because a later request did not arrive in time.";
    let timed_out = connections.timed_out.get();
    page.single("redeemd_http_connections_timed_out_total", Counter, help, timed_out);
    let limiter = &operation.limiter;
    let help = "Requests of public API keys that were refused because there were too many.";
    page.single("redeemd_rate_limited_total", Counter, help, limiter.refused.get());
    let help = "Pairs of a public API key and an address whose requests are counted.";
    page.single("redeemd_rate_limit_clients", Gauge, help, limiter.clients());
}

fn write_listeners(page: &mut Exposition, operation: &Operation) {
    use Kind::{Counter, Gauge};
    let listeners = &operation.listeners;
    page.single("redeemd_events_listeners", Gauge, "Streams of events.", listeners.open());
    let help = "Streams of events that may be open at once.";
    let events = &operation.live.settings().events;
    page.single("redeemd_events_listeners_limit", Gauge, help, events.max_listeners);
    let help = "Streams that were refused because there were as many as may be.";
    page.single("redeemd_events_refused_total", Counter, help, listeners.refused.get());
    let help = "Events that were sent, to each stream counted.";
    page.single("redeemd_events_sent_total", Counter, help, listeners.events.get());
    let help = "Bytes that were sent to streams of events.";
    page.single("redeemd_events_sent_bytes_total", Counter, help, listeners.bytes.get());
    let help = "How old the newest event of each delivery was.";
    page.durations("redeemd_events_delivery_age_seconds", help, &listeners.ages);
}

fn write_settings(page: &mut Exposition, operation: &Operation) {
    let holds = &operation.live.settings().holds;
    let help = "Uses of codes that may be held at once.";
    page.single("redeemd_holds_limit", Kind::Gauge, help, holds.max_live);
    let last = operation.reloads.last();
    let results = [
        ("succeeded", operation.reloads.succeeded.get()),
        ("failed", operation.reloads.failed.get()),
    ];
    let help = "How often the settings were loaded again.";
    page.labelled("redeemd_config_reloads_total", Kind::Counter, help, "result", results);
    let help = "Whether the settings that were loaded last are right; 1 before the first time.";
    let is_right = u8::from(last.error.is_none());
    page.single("redeemd_config_last_reload_successful", Kind::Gauge, help, is_right);
    let help = "When the settings were loaded again last; 0 before the first time.";
    page.single("redeemd_config_last_reload_timestamp_seconds", Kind::Gauge, help, last.at);
    let help = "Settings that were changed and need a restart.";
    page.single("redeemd_config_restart_pending", Kind::Gauge, help, last.waiting.len());
}

fn write_node(page: &mut Exposition, status: &Status) {
    use Kind::{Counter, Gauge};
    let is_full = u8::from(status.disk_is_full.load(Ordering::Relaxed));
    let numbers: [(&str, Kind, &str, u64); 12] = [
        (
            "redeemd_share_grants_total",
            Counter,
            "Grants of a campaign's total to a shard.",
            status.share_grants.get(),
        ),
        (
            "redeemd_share_recalls_total",
            Counter,
            "Shards that were told to give back what they had left of a campaign's total.",
            status.share_recalls.get(),
        ),
        (
            "redeemd_claims_resolved_total",
            Counter,
            "Claims on uses of users about which a shard had to be asked.",
            status.claims_resolved.get(),
        ),
        (
            "redeemd_journal_entries_total",
            Counter,
            "Entries that were made durable.",
            status.flushed_entries.get(),
        ),
        (
            "redeemd_journal_written_bytes_total",
            Counter,
            "Bytes that were made durable.",
            status.flushed_bytes.get(),
        ),
        (
            "redeemd_journal_stored_bytes",
            Gauge,
            "Bytes that the journal takes on its disk.",
            status.journal_bytes.get(),
        ),
        (
            "redeemd_journal_waiting_frames",
            Gauge,
            "Frames that wait for the journal's next flush.",
            status.journal_waiting.get(),
        ),
        (
            "redeemd_ledger_waiting_batches",
            Gauge,
            "Batches of outcomes that wait for the ledger.",
            status.ledger_waiting.get(),
        ),
        (
            "redeemd_ledger_lag_limit_entries",
            Gauge,
            "Entries that the ledger may be behind a sequence before it takes nothing more.",
            status.max_ledger_lag.get(),
        ),
        (
            "redeemd_snapshots_failed_total",
            Counter,
            "Snapshots that could not be written.",
            status.failed_snapshots.get(),
        ),
        (
            "redeemd_backup_running",
            Gauge,
            "Whether a backup is being taken.",
            status.journal_is_leased.load(Ordering::Relaxed).into(),
        ),
        (
            "redeemd_disk_full",
            Gauge,
            "Whether the disk is full, so that nothing is changed.",
            is_full.into(),
        ),
    ];
    for (name, kind, help, value) in numbers {
        page.single(name, kind, help, value);
    }
    let help = "How long flushes of the journal took, the sync included.";
    page.durations("redeemd_journal_flush_duration_seconds", help, &status.flushes);
    let help = "How long commits of the ledger took.";
    page.durations("redeemd_ledger_commit_duration_seconds", help, &status.ledger_commits);
    let help = "How long writing snapshots took.";
    page.durations("redeemd_snapshot_duration_seconds", help, &status.snapshots);
}

fn write_sequences(page: &mut Exposition, status: &Status) {
    use Kind::{Counter, Gauge};
    type Read = fn(&SequenceStatus) -> u64;
    let families: [(&str, Kind, &str, Read); 18] = [
        ("claims_pending", Gauge, "Claims on uses of users that are not settled.", |it| {
            it.claims_pending.get()
        }),
        (
            "oldest_claim_timestamp_seconds",
            Gauge,
            "When the oldest of them was made; 0 when there is none.",
            |it| it.oldest_claim_at.get() / 1_000,
        ),
        ("owed_uses", Gauge, "Uses that are owed to users whom other shards count.", |it| {
            it.owed.get()
        }),
        ("applied_entries_total", Counter, "Entries ever applied.", |it| it.applied.get()),
        ("changes_total", Counter, "Outcomes that changed something.", |it| it.changes.get()),
        ("ledger_entry", Gauge, "The last entry that the ledger durably has.", |it| {
            it.covered.get()
        }),
        ("ledger_lag_entries", Gauge, "Entries that the ledger is behind.", |it| {
            it.applied.get().saturating_sub(it.covered.get())
        }),
        ("in_flight", Gauge, "Commands that wait for the journal.", |it| it.in_flight.get()),
        ("mailbox_messages", Gauge, "Messages with questions in the mailbox.", |it| {
            it.waiting.get()
        }),
        ("remembered", Gauge, "Records of keyed requests held in memory.", |it| {
            it.remembered.get()
        }),
        ("holds", Gauge, "Uses of codes that are held for users.", |it| it.held.get()),
        ("snapshot_entry", Gauge, "The entry of the newest snapshot.", |it| it.snapshot.get()),
        (
            "snapshot_timestamp_seconds",
            Gauge,
            "When the newest snapshot was published, or the server started.",
            |it| it.snapshot_at.get(),
        ),
        ("snapshot_bytes", Gauge, "Size of the state as the newest snapshot has it.", |it| {
            it.snapshot_bytes.get()
        }),
        ("overloaded_total", Counter, "Commands refused for want of room.", |it| {
            it.overloaded.get()
        }),
        ("rebuilt_total", Counter, "How often it was rebuilt after a panic.", |it| {
            it.rebuilt.get()
        }),
        ("down", Gauge, "Whether it could not be rebuilt and stays down.", |it| {
            it.is_down.load(Ordering::Relaxed).into()
        }),
        ("clock_leapt", Gauge, "Whether the clock leapt and is not believed.", |it| {
            it.clock_leapt.load(Ordering::Relaxed).into()
        }),
    ];
    for (name, kind, help, read) in families {
        let samples = (0..).zip(&status.sequences);
        let samples = samples.map(|(number, sequence)| (SequenceId(number), read(sequence)));
        page.labelled(&format!("redeemd_sequence_{name}"), kind, help, "sequence", samples);
    }
    let behind = |one: &SequenceStatus| one.clock_behind_ms.get() as f64 / 1000.0;
    let samples = (0..).zip(&status.sequences);
    let samples = samples.map(|(number, sequence)| (SequenceId(number), behind(sequence)));
    let help = "How far the wall clock is behind the times of the last entries.";
    page.labelled("redeemd_clock_behind_seconds", Gauge, help, "sequence", samples);
}
