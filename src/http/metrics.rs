//! What is counted about requests, and the page that Prometheus reads.

use std::sync::Arc;
use std::time::Duration;

use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

use super::exposition::Exposition;
use super::node_metrics;
use super::problem::{Kind, kind_of_error, kinds_of_redemptions};
use crate::operation::Operation;
use crate::service::{Error, Redeemed};

/// The upper bounds of request durations, in seconds.
const BOUNDS_SECONDS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// Everything that is counted about requests. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    problems: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
    redemptions: IntCounterVec,
    rollbacks: IntCounterVec,
    /// The two outcomes that are not looked up by name.
    done: IntCounter,
    replayed: IntCounter,
    suppressed: IntCounter,
    operation: Arc<Operation>,
}

impl Metrics {
    /// Metrics that have counted nothing, of a server that runs like this.
    ///
    /// # Errors
    /// When two of them had one name, which does not happen.
    pub fn new(operation: &Arc<Operation>) -> Result<Self, prometheus::Error> {
        let requests = counters(
            "redeemd_http_requests_total",
            "Requests by route and class of status.",
            &["route", "status"],
        )?;
        let problems = counters(
            "redeemd_http_problems_total",
            "Requests that ended in an error, by route and code.",
            &["route", "code"],
        )?;
        let redemptions = counters(
            "redeemd_redemptions_total",
            "Wishes to redeem by outcome: done, replayed, or the code of what kept them from it.",
            &["outcome"],
        )?;
        let rollbacks = counters(
            "redeemd_rollbacks_total",
            "Wishes to roll a redemption back by outcome: done, part, replayed, or the code of what \
             kept them from it.",
            &["outcome"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "redeemd_http_request_duration_seconds",
                "Time until the answer could begin.",
            )
            .buckets(BOUNDS_SECONDS.to_vec()),
            &["route"],
        )?;
        let in_flight = IntGauge::new(
            "redeemd_http_requests_in_flight",
            "Requests that are not answered completely yet.",
        )?;
        let suppressed = IntCounter::new(
            "redeemd_log_suppressed_lines_total",
            "Lines about errors that were not written because there were too many.",
        )?;
        let registry = Registry::new();
        for counter in [&requests, &problems, &redemptions, &rollbacks] {
            registry.register(Box::new(counter.clone()))?;
        }
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(suppressed.clone()))?;
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let (done, replayed) = (
            redemptions.with_label_values(&["done"]),
            redemptions.with_label_values(&["replayed"]),
        );
        // What is counted from nothing on is seen to rise the first time it happens.
        for kind in kinds_of_redemptions() {
            redemptions.with_label_values(&[kind.name()]);
        }
        for outcome in ["done", "part", "replayed"] {
            rollbacks.with_label_values(&[outcome]);
        }
        let operation = Arc::clone(operation);
        Ok(Self {
            registry,
            requests,
            problems,
            durations,
            in_flight,
            redemptions,
            rollbacks,
            done,
            replayed,
            suppressed,
            operation,
        })
    }

    /// The metrics of a route, found once and then counted without looking up.
    pub fn route(&self, route: &'static str) -> RouteMetrics {
        let class = |class| self.requests.with_label_values(&[route, class]);
        // Of what a client does wrong there would be many, of which few ever happen.
        for kind in Kind::ALL.into_iter().filter(|kind| kind.status() >= 500) {
            self.problems.with_label_values(&[route, kind.name()]);
        }
        RouteMetrics {
            route,
            classes: ["2xx", "3xx", "4xx", "5xx"].map(class),
            duration: self.durations.with_label_values(&[route]),
            all: self.clone(),
        }
    }

    /// Counts what came of a wish to redeem.
    pub fn count_redemption(&self, result: &Result<Redeemed, Error>) {
        match result {
            Ok(redeemed) if redeemed.is_replayed => self.replayed.inc(),
            Ok(_) => self.done.inc(),
            Err(error) => {
                self.redemptions.with_label_values(&[kind_of_error(error).name()]).inc();
            }
        }
    }

    /// Counts what came of a wish to roll a redemption back.
    pub fn count_rollback(&self, result: &Result<Redeemed, Error>) {
        let outcome = match result {
            Ok(rolled_back) if rolled_back.is_replayed => "replayed",
            Ok(rolled_back) if !rolled_back.standing.is_rolled_back => "part",
            Ok(_) => "done",
            Err(error) => kind_of_error(error).name(),
        };
        self.rollbacks.with_label_values(&[outcome]).inc();
    }

    /// The server's own running.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The page, with what the parts of the server are doing.
    pub fn page(&self) -> String {
        let mut page = String::with_capacity(32 * 1024);
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut page) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        let mut page = Exposition::after(page);
        node_metrics::write(&mut page, &self.operation);
        page.finish()
    }
}

/// The metrics of one route.
pub struct RouteMetrics {
    route: &'static str,
    classes: [IntCounter; 4],
    duration: Histogram,
    all: Metrics,
}

impl RouteMetrics {
    /// The route.
    pub fn route(&self) -> &'static str {
        self.route
    }

    /// The server's own running.
    pub fn operation(&self) -> &Operation {
        self.all.operation()
    }

    /// Counts a request as in flight until what this gives is dropped.
    pub fn begin(&self) -> InFlight {
        self.all.in_flight.inc();
        InFlight(self.all.in_flight.clone())
    }

    /// Counts an answer.
    pub fn observe(&self, status: u16, duration: Duration) {
        let class = usize::from(status / 100).saturating_sub(2);
        if let Some(counter) = self.classes.get(class) {
            counter.inc();
        }
        self.duration.observe(duration.as_secs_f64());
    }

    /// Counts an error by its code.
    pub fn count_problem(&self, code: &str) {
        self.all.problems.with_label_values(&[self.route, code]).inc();
    }

    /// Counts a line of the log that was not written.
    pub fn count_suppressed(&self) {
        self.all.suppressed.inc();
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

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

#[cfg(test)]
mod tests {
    use redeemd_config::Settings;

    use super::*;

    #[test]
    fn the_page_shows_what_was_counted() {
        let operation = Arc::new(Operation::new(&Settings::default()));
        let metrics = Metrics::new(&operation).unwrap();
        let route = metrics.route("/api/v1/redemptions");
        let in_flight = route.begin();
        route.observe(201, Duration::from_micros(300));
        route.observe(409, Duration::from_micros(300));
        route.count_problem("already_redeemed");
        metrics.count_redemption(&Err(Error::Overloaded));
        let page = metrics.page();
        for line in [
            "redeemd_http_requests_total{route=\"/api/v1/redemptions\",status=\"2xx\"} 1",
            "redeemd_http_requests_total{route=\"/api/v1/redemptions\",status=\"4xx\"} 1",
            "redeemd_http_problems_total{code=\"already_redeemed\",route=\"/api/v1/redemptions\"} 1",
            "redeemd_http_requests_in_flight 1",
            "redeemd_redemptions_total{outcome=\"overloaded\"} 1",
            "redeemd_redemptions_total{outcome=\"already_redeemed\"} 0",
            "redeemd_http_problems_total{code=\"internal\",route=\"/api/v1/redemptions\"} 0",
            "redeemd_stage{stage=\"starting\"} 1",
            "redeemd_ready 0",
        ] {
            assert!(page.lines().any(|known| known == line), "{line}\n{page}");
        }
        drop(in_flight);
        assert!(metrics.page().contains("redeemd_http_requests_in_flight 0"));
    }
}
