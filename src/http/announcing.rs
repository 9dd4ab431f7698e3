//! Telling other programs what was revoked, through Redis.

use std::future::Future;

use redeemd_persistence::shared::Announcement;

use super::events;
use super::problem::Problem;
use super::site::Site;
use crate::service::Event;

impl Site {
    /// Tells others of something that happened, if it did, as it stands among the events.
    pub(super) fn announce(&self, event: Option<&Event>) {
        let (Some(link), Some(event)) = (self.operation.sharing.link(), event) else { return };
        let message = events::text_of(event, &self.worker.register());
        link.announce(Announcement { kind: event.kind.name(), message });
    }
}

/// Goes on to its end also where the client hangs up: what has happened is announced.
///
/// # Errors
/// Its own.
pub(super) async fn to_its_end<T: 'static>(
    act: impl Future<Output = Result<T, Problem>> + 'static,
) -> Result<T, Problem> {
    let ended = tokio::task::spawn_local(act).await;
    ended.unwrap_or_else(|_| Err(Problem::internal("the task of a request panicked")))
}
