//! Metrics of the projection to PostgreSQL. They are there without a database, too.

use std::sync::atomic::Ordering;

use redeemd_actors::projector::breaker::State;
use redeemd_actors::projector::status::ProjectorStatus;

use super::exposition::{Exposition, Kind};
use crate::operation::oldest_waiting_seconds;

/// Writes what the projector has to show.
pub(super) fn write(page: &mut Exposition, status: &ProjectorStatus) {
    use Kind::{Counter, Gauge};
    let numbers: [(&str, Kind, &str, u64); 9] = [
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
            "redeemd_postgres_drain_seconds",
            Gauge,
            "How long the backlog will take at the rate of the last large batches.",
            status.drain_seconds.get(),
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
    let state = status.breaker();
    let states = State::ALL.map(|known| (known.name(), u8::from(known == state)));
    let help = "The state of the circuit breaker: 1.";
    page.labelled("redeemd_postgres_breaker", Gauge, help, "state", states);
    let help = "How long batches took.";
    page.durations("redeemd_postgres_batch_duration_seconds", help, &status.batches);
}
