//! Metrics of what is counted in Redis. They are there without Redis, too.

use redeemd_persistence::shared::Numbers;

use super::exposition::{Exposition, Kind};
use crate::limits::Sharing;

/// Writes what there is to show.
pub(super) fn write(page: &mut Exposition, sharing: &Sharing) {
    use Kind::{Counter, Gauge};
    let link = sharing.link();
    let help = "Whether attempts are to be counted in Redis.";
    page.single("redeemd_redis_configured", Gauge, help, u8::from(link.is_some()));
    let help = "Whether attempts are counted in Redis.";
    let is_used = link.is_some_and(|link| link.is_used());
    page.single("redeemd_redis_used", Gauge, help, u8::from(is_used));
    let help = "Requests that wait for Redis.";
    let in_flight = link.map_or(0, |link| link.in_flight());
    page.single("redeemd_redis_in_flight", Gauge, help, in_flight);
    let counted = [("together", sharing.together.get()), ("alone", sharing.alone.get())];
    let help = "Attempts of public keys, by who counted them: Redis, or this server alone.";
    page.labelled("redeemd_redis_attempts_total", Counter, help, "counted", counted);
    let none = Numbers::default();
    let numbers = link.map_or(&none, |link| &link.numbers);
    let help = "How often Redis was not used, or did not answer as it should, by reason.";
    page.labelled("redeemd_redis_failures_total", Counter, help, "reason", numbers.failures());
    let help = "Announcements of what was revoked.";
    let announcements = numbers.announcements();
    page.labelled("redeemd_redis_announcements_total", Counter, help, "result", announcements);
    let help = "How long answers of Redis took that came in time.";
    page.durations("redeemd_redis_round_trip_seconds", help, &sharing.round_trips);
}
