//! A line in the log for each request, or for those that went wrong, as the settings say.

use std::cell::Cell;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use redeemd_config::LogRequests;

use super::metrics::RouteMetrics;
use super::request_id::RequestId;

/// The most lines a second that each thread writes about errors: when a server refuses tens of
/// thousands of requests a second, writing a line for each would be what slows it down.
const MOST_ERRORS: u32 = 100;

/// A request that was answered.
pub(super) struct Answered<'a> {
    /// Its identifier.
    pub id: &'a RequestId,
    /// Its method.
    pub method: &'a Method,
    /// Its route.
    pub metrics: &'a RouteMetrics,
    /// The status of the answer.
    pub status: u16,
    /// How long it took until the answer could begin.
    pub duration: Duration,
}

/// Writes the line, where one is wanted.
pub(super) fn note(answered: &Answered<'_>) {
    let is_error = answered.status >= 500;
    match answered.metrics.operation().live.log_requests() {
        LogRequests::None => {}
        LogRequests::Errors if is_error => match allowance() {
            Some(suppressed) => warn(answered, suppressed),
            None => answered.metrics.count_suppressed(),
        },
        LogRequests::All if is_error => warn(answered, 0),
        LogRequests::All => info(answered),
        LogRequests::Errors => debug(answered),
    }
}

/// `None` when there were lines enough in this second; otherwise how many were left out in the last
/// second that had too many.
fn allowance() -> Option<u32> {
    thread_local! {
        static WINDOW: Cell<Option<(Instant, u32)>> = const { Cell::new(None) };
    }
    let (begun, count) = match WINDOW.get() {
        Some((begun, count)) if begun.elapsed() < Duration::from_secs(1) => (begun, count),
        Some((_, count)) => {
            WINDOW.set(Some((Instant::now(), 1)));
            return Some(count.saturating_sub(MOST_ERRORS));
        }
        None => (Instant::now(), 0),
    };
    WINDOW.set(Some((begun, count.saturating_add(1))));
    (count < MOST_ERRORS).then_some(0)
}

/// The level is a part of where a line comes from, so each level has a line of its own.
macro_rules! line {
    ($level:ident, $answered:expr $(, $name:ident = $value:expr)?) => {
        tracing::$level!(
            target: "redeemd::access",
            request_id = $answered.id.as_str(),
            trace_id = $answered.id.trace(),
            method = $answered.method.as_str(),
            route = $answered.metrics.route(),
            status = $answered.status,
            microseconds = u64::try_from($answered.duration.as_micros()).unwrap_or(u64::MAX),
            $($name = $value,)?
            "request"
        )
    };
}

fn warn(answered: &Answered<'_>, suppressed: u32) {
    line!(warn, answered, suppressed = suppressed);
}

fn info(answered: &Answered<'_>) {
    line!(info, answered);
}

fn debug(answered: &Answered<'_>) {
    line!(debug, answered);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_errors_are_bounded() {
        let allowed = (0..MOST_ERRORS + 50).filter(|_| allowance().is_some()).count();
        // A slow machine may begin a second second.
        assert!((MOST_ERRORS as usize..MOST_ERRORS as usize + 50).contains(&allowed));
    }
}
