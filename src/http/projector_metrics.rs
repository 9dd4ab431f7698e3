//! Metrics of the projection to PostgreSQL. They are there without a database, too.

use std::sync::atomic::Ordering;

use redeemd_actors::projector::breaker::State;
use redeemd_actors::projector::drain::Estimate;
use redeemd_actors::projector::status::ProjectorStatus;

use super::exposition::{Exposition, Kind};
use crate::operation::oldest_waiting_seconds;

/// Writes what the projector has to show.
pub(super) fn write(page: &mut Exposition, status: &ProjectorStatus) {
    use Kind::{Counter, Gauge};
    let numbers: [(&str, Kind, &str, u64); 13] = [
        (
            "redeemd_postgres_configured",
            Gauge,
            "Whether there is a database that outcomes are copied to.",
            status.is_configured.load(Ordering::Relaxed).into(),
        ),
        (
            "redeemd_postgres_backlog_entries",
            Gauge,
            "Entries that the database is behind the durable ledger.",
            status.backlog.get(),
        ),
        (
            "redeemd_postgres_oldest_waiting_seconds",
            Gauge,
            "The age of the oldest outcome that is not in the database; 0 where there is none.",
            oldest_waiting_seconds(status),
        ),
        (
            "redeemd_postgres_backlog_bytes",
            Gauge,
            "Bytes of the ledger's log from the oldest outcome on that is not in the database.",
            status.backlog_bytes.get(),
        ),
        (
            "redeemd_postgres_backlog_limit_bytes",
            Gauge,
            "How many of them may wait before nothing can be changed any more; 0 is any number.",
            status.max_backlog_bytes.get(),
        ),
        (
            "redeemd_postgres_backlog_full",
            Gauge,
            "Whether as much waits for the database as may wait, so that nothing can be changed.",
            status.is_full.load(Ordering::Relaxed).into(),
        ),
        (
            "redeemd_postgres_writing_entries_per_second",
            Gauge,
            "How quickly entries are written while there are many; 0 before that is known.",
            status.writing_rate.get(),
        ),
        (
            "redeemd_postgres_arriving_entries_per_second",
            Gauge,
            "How quickly entries come that are to be written.",
            status.arriving_rate.get(),
        ),
        (
            "redeemd_postgres_outcomes_total",
            Counter,
            "Outcomes that were written to the database.",
            status.outcomes.get(),
        ),
        (
            "redeemd_postgres_batch_limit_rows",
            Gauge,
            "At how many rows the next batch is full.",
            status.batch_limit.get(),
        ),
        (
            "redeemd_postgres_failures_total",
            Counter,
            "Attempts to look at the database or to write to it that failed.",
            status.failures.get(),
        ),
        (
            "redeemd_postgres_set_aside_outcomes",
            Gauge,
            "Outcomes that the database refused for their content.",
            status.set_aside.get(),
        ),
        (
            "redeemd_postgres_rebuilt_total",
            Counter,
            "How often the projector was begun anew after a panic.",
            status.rebuilt.get(),
        ),
    ];
    for (name, kind, help, value) in numbers {
        page.single(name, kind, help, value);
    }
    let help = "How long the backlog will take, if all goes on as it does; +Inf where more comes \
                than is written, NaN where nothing is known.";
    let seconds = match status.drain() {
        Estimate::None => "0".to_owned(),
        Estimate::Unknown => "NaN".to_owned(),
        Estimate::Never => "+Inf".to_owned(),
        Estimate::Within(time) => time.as_secs().to_string(),
    };
    page.single("redeemd_postgres_drain_seconds", Gauge, help, seconds);
    let state = status.breaker();
    let states = State::ALL.map(|known| (known.name(), u8::from(known == state)));
    let help = "The state of the circuit breaker: 1.";
    page.labelled("redeemd_postgres_breaker", Gauge, help, "state", states);
    let help = "How long batches took.";
    page.durations("redeemd_postgres_batch_duration_seconds", help, &status.batches);
}
