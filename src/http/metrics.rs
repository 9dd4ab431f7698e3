//! Metrics: what is counted about requests, and the page that Prometheus reads.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};
use redeemd_actors::status::{DURATION_BOUNDS_MICROSECONDS, Durations, Status};
use redeemd_domain::sequence::SequenceId;

/// The upper bounds of request durations, in seconds.
const BOUNDS_SECONDS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// Everything that is counted about requests. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
}

impl Metrics {
    /// Metrics that have counted nothing.
    ///
    /// # Errors
    /// When two of them had one name, which does not happen.
    pub fn new() -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new("redeemd_http_requests_total", "Requests by route and class of status."),
            &["route", "status"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new("redeemd_http_request_duration_seconds", "Time to the answer.")
                .buckets(BOUNDS_SECONDS.to_vec()),
            &["route"],
        )?;
        let in_flight =
            IntGauge::new("redeemd_http_requests_in_flight", "Requests not answered yet.")?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self { registry, requests, durations, in_flight })
    }

    /// The metrics of a route, found once and then counted without looking up.
    pub fn route(&self, route: &'static str) -> RouteMetrics {
        let class = |class| self.requests.with_label_values(&[route, class]);
        RouteMetrics {
            route,
            classes: ["2xx", "3xx", "4xx", "5xx"].map(class),
            duration: self.durations.with_label_values(&[route]),
            in_flight: self.in_flight.clone(),
        }
    }

    /// The page, with what the actors are doing.
    pub fn page(&self, status: &Status) -> String {
        let mut page = String::with_capacity(16 * 1024);
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut page) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        // Writing to memory does not fail.
        let _ = write_status(&mut page, status);
        page
    }
}

/// The metrics of one route.
#[derive(Debug)]
pub struct RouteMetrics {
    route: &'static str,
    classes: [IntCounter; 4],
    duration: Histogram,
    in_flight: IntGauge,
}

impl RouteMetrics {
    /// The route.
    pub fn route(&self) -> &'static str {
        self.route
    }

    /// Counts a request as in flight until what this gives is dropped.
    pub fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts an answer.
    pub fn observe(&self, status: u16, duration: Duration) {
        let class = usize::from(status / 100).saturating_sub(2);
        if let Some(counter) = self.classes.get(class) {
            counter.inc();
        }
        self.duration.observe(duration.as_secs_f64());
    }
}

/// A request in flight.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn write_status(page: &mut String, status: &Status) -> std::fmt::Result {
    type Read = fn(&redeemd_actors::status::SequenceStatus) -> u64;
    let sequences: [(&str, &str, &str, Read); 9] = [
        ("entries_applied", "counter", "The last entry applied.", |it| it.applied.get()),
        ("ledger_covered", "counter", "How far the ledger durably is.", |it| it.covered.get()),
        ("in_flight", "gauge", "Commands that wait for the journal.", |it| it.in_flight.get()),
        ("remembered", "gauge", "Keyed requests held in memory.", |it| it.remembered.get()),
        ("snapshot_entry", "gauge", "The entry of the newest snapshot.", |it| it.snapshot.get()),
        ("overloaded_total", "counter", "Commands refused for want of room.", |it| {
            it.overloaded.get()
        }),
        ("rebuilt_total", "counter", "Rebuilt after a panic.", |it| it.rebuilt.get()),
        ("down", "gauge", "Whether it stays down.", |it| it.is_down.load(Ordering::Relaxed).into()),
        ("clock_leapt", "gauge", "Whether the clock is not believed.", |it| {
            it.clock_leapt.load(Ordering::Relaxed).into()
        }),
    ];
    for (name, kind, help, read) in sequences {
        writeln!(page, "# HELP redeemd_sequence_{name} {help}")?;
        writeln!(page, "# TYPE redeemd_sequence_{name} {kind}")?;
        for (number, sequence) in (0..).zip(&status.sequences) {
            let (id, value) = (SequenceId(number), read(sequence));
            writeln!(page, "redeemd_sequence_{name}{{sequence=\"{id}\"}} {value}")?;
        }
    }
    let node = [
        ("journal_entries_total", "counter", "Entries flushed.", status.flushed_entries.get()),
        ("journal_flushed_bytes_total", "counter", "Bytes flushed.", status.flushed_bytes.get()),
        ("journal_bytes", "gauge", "Bytes on its disk.", status.journal_bytes.get()),
        ("ledger_waiting", "gauge", "Batches that wait.", status.ledger_waiting.get()),
        ("snapshots_failed_total", "counter", "Not written.", status.failed_snapshots.get()),
        (
            "backup_running",
            "gauge",
            "Whether a backup is being taken.",
            status.journal_is_leased.load(Ordering::Relaxed).into(),
        ),
        (
            "disk_full",
            "gauge",
            "Nothing changes.",
            status.disk_is_full.load(Ordering::Relaxed).into(),
        ),
    ];
    for (name, kind, help, value) in node {
        writeln!(page, "# HELP redeemd_{name} {help}\n# TYPE redeemd_{name} {kind}")?;
        writeln!(page, "redeemd_{name} {value}")?;
    }
    write_durations(page, "journal_flush", "Flushes of the journal.", &status.flushes)?;
    write_durations(page, "ledger_commit", "Commits of the ledger.", &status.ledger_commits)?;
    write_durations(page, "snapshot", "Snapshots written.", &status.snapshots)
}

fn write_durations(
    page: &mut String,
    name: &str,
    help: &str,
    durations: &Durations,
) -> std::fmt::Result {
    let name = format!("redeemd_{name}_duration_seconds");
    writeln!(page, "# HELP {name} {help}\n# TYPE {name} histogram")?;
    let bounds = DURATION_BOUNDS_MICROSECONDS.iter().map(|&bound| Some(bound as f64 / 1e6));
    let mut count = 0;
    for (bound, bucket) in bounds.chain([None]).zip(durations.buckets()) {
        count += bucket;
        match bound {
            Some(bound) => writeln!(page, "{name}_bucket{{le=\"{bound}\"}} {count}")?,
            None => writeln!(page, "{name}_bucket{{le=\"+Inf\"}} {count}")?,
        }
    }
    let sum = durations.sum_microseconds() as f64 / 1e6;
    writeln!(page, "{name}_sum {sum}\n{name}_count {count}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_what_was_counted() {
        let metrics = Metrics::new().unwrap();
        let route = metrics.route("/api/v1/redemptions");
        let in_flight = route.begin();
        route.observe(201, Duration::from_micros(300));
        route.observe(409, Duration::from_micros(300));
        let status = Status::new(2);
        status.flushes.observe(Duration::from_micros(70));
        let page = metrics.page(&status);
        for line in [
            "redeemd_http_requests_total{route=\"/api/v1/redemptions\",status=\"2xx\"} 1",
            "redeemd_http_requests_total{route=\"/api/v1/redemptions\",status=\"4xx\"} 1",
            "redeemd_http_requests_in_flight 1",
            "redeemd_sequence_entries_applied{sequence=\"shard-000\"} 0",
            "redeemd_journal_flush_duration_seconds_bucket{le=\"0.00005\"} 0",
            "redeemd_journal_flush_duration_seconds_bucket{le=\"0.0001\"} 1",
            "redeemd_journal_flush_duration_seconds_count 1",
        ] {
            assert!(page.lines().any(|known| known == line), "{line}\n{page}");
        }
        drop(in_flight);
        assert!(metrics.page(&status).contains("redeemd_http_requests_in_flight 0"));
    }
}
