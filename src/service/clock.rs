//! Believing the clock after a leap.

use redeemd_domain::timestamp::Timestamp;

use super::caller::Caller;
use super::error::Error;
use super::worker::Worker;

/// The clock, as it is believed from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Believed {
    /// Whether it had leapt.
    pub leapt: bool,
    /// What it shows.
    pub time: Timestamp,
}

impl Worker {
    /// Believes the clock as it is now, on behalf of an operator who has looked at it. A later leap
    /// is not believed for it.
    ///
    /// # Errors
    /// When the server is ending.
    pub async fn believe_clock(&self, caller: Caller) -> Result<Believed, Error> {
        let node = &self.inner().node;
        let time = node.clock.now().wall;
        let sequences = node.believe_clock().await.ok_or(Error::Unavailable)?;
        if sequences > 0 {
            let (api_key, time) = (caller.number.0, time.milliseconds());
            tracing::warn!(api_key, time, sequences, "the clock leapt, and is believed");
        }
        Ok(Believed { leapt: sequences > 0, time })
    }
}
