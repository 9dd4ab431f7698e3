//! What a replica says of itself.

use std::time::Duration;

use super::error::Error;
use super::projection::Projection;

/// Whether a database server is a replica, and how far behind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It takes changes of its own: it is no replica, or not any more.
    Primary,
    /// It follows another one.
    Replica {
        /// How long ago its primary committed what it carried out last; nothing where it has carried
        /// out nothing since it was started. A primary that has nothing to commit makes it grow, too.
        lag: Option<Duration>,
    },
}

impl Projection {
    /// Asks the server what it is.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn standing(&self) -> Result<Standing, Error> {
        let select = "SELECT pg_is_in_recovery(),
            extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8";
        self.read_at_one_moment(async |transaction| {
            let row = transaction.query_typed_one(select, &[]).await?;
            let (is_replica, lag): (bool, Option<f64>) = (row.try_get(0)?, row.try_get(1)?);
            let lag = lag.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
            Ok(if is_replica { Standing::Replica { lag } } else { Standing::Primary })
        })
        .await
    }
}
