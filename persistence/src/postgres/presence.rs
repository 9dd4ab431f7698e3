//! Saying in the database that the server is running, and what is complete. It has a table of its
//! own: batches lock the directory's row, and nobody shall have to wait for somebody's sign of life.

use std::time::{Duration, SystemTime};

use redeemd_domain::timestamp::Timestamp;
use tokio_postgres::types::{ToSql, Type};

use super::error::Error;
use super::ownership::Owner;
use super::projection::Projection;
use super::rows::moment;

/// How often a server says that it is running.
pub const PRESENCE_INTERVAL: Duration = Duration::from_secs(5);

/// A server that has said nothing for so long is taken to be gone.
pub const PRESENCE_LASTS: Duration = Duration::from_secs(30);

impl Projection {
    /// Says that the server is running, and up to when all that it answered is in the database, as
    /// far as it knows. That may be earlier than what was said before, where the clock was ahead.
    /// Changes nothing where the database is another's.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn announce(
        &self,
        owner: &Owner,
        complete_until: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.say(owner, "now()", complete_until).await
    }

    /// Says that the server has ended.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn take_leave(
        &self,
        owner: &Owner,
        complete_until: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.say(owner, "NULL", complete_until).await
    }

    async fn say(
        &self,
        owner: &Owner,
        seen_at: &str,
        complete_until: Option<Timestamp>,
    ) -> Result<(), Error> {
        let update = format!(
            "UPDATE redeemd.presence
             SET seen_at = {seen_at}, complete_until = coalesce($1, complete_until)
             FROM redeemd.directory
             WHERE directory.id = $2 AND epoch_number = $3 AND epoch_mark = $4"
        );
        let until: Option<SystemTime> = complete_until.map(moment);
        let (id, number, mark) = owner.columns();
        self.carry_out(async |transaction| {
            let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
                (&until, Type::TIMESTAMPTZ),
                (&id, Type::TEXT),
                (&number, Type::INT8),
                (&mark, Type::TEXT),
            ];
            transaction.execute_typed(&update, &parameters).await?;
            Ok(())
        })
        .await
    }
}
