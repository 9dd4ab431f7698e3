//! Trying an outcome again that was set aside.

use redeemd_persistence::postgres::{Error, Kind, Owner, Projection, Retried, Rows};

use super::reading;
use super::step::Retry;

/// What became of it.
pub(super) enum Again {
    /// Its rows are in the database.
    Arrived,
    /// Somebody has deleted it meanwhile.
    Gone,
    /// The database refuses it still, for this reason, which is noted there.
    Refused(String),
}

/// Tries it, with the rows that it has now, if the ledger gave them.
///
/// # Errors
/// When the database refuses for another reason than the outcome.
pub(super) async fn try_again(
    projection: &Projection,
    owner: &Owner,
    retry: &Retry,
    rows: Result<Rows, reading::Error>,
) -> Result<Again, Error> {
    let result = match rows {
        Ok(rows) => projection.retry(owner, retry.position, retry.from, &rows).await,
        // A row that nobody wrote stops nothing else.
        Err(error) => {
            Err(Error::Content { sql_state: "redeemd".to_owned(), message: error.to_string() })
        }
    };
    match result {
        Ok(Retried::Arrived) => Ok(Again::Arrived),
        Ok(Retried::Gone) => Ok(Again::Gone),
        Err(error) if error.kind() == Kind::Content => {
            let reason = error.to_string();
            projection.refused_again(retry.position, &reason).await?;
            Ok(Again::Refused(reason))
        }
        Err(error) => Err(error),
    }
}
