//! What is asked of the database of the projection by commands, without a server.

use std::time::{Duration, Instant};

use redeemd_actors::ledger_record::{decode_control, decode_shard};
use redeemd_config::Settings;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::postgres::{self, MIGRATIONS, Migrated, Projection, Shown, pending_sql};

use super::projection;
use crate::service::EventKind;

/// How often it is looked whether a server has done what it was asked to do.
const LOOK: Duration = Duration::from_millis(200);

/// How many outcomes are read at once.
const PAGE: u32 = 500;

/// Why something cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings name no database, or not a good one.
    #[error("{0}")]
    Settings(String),
    /// The database refused, or is not there.
    #[error("the database: {0}")]
    Database(#[from] postgres::Error),
}

/// What became of outcomes that were to be tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many were asked for.
    pub asked: u64,
    /// Those that were refused again.
    pub refused: Vec<Shown>,
    /// How many no server has tried yet.
    pub waiting: u64,
}

/// Makes or changes the tables of the database that the settings name. Must not be called within a
/// runtime, like all of these.
///
/// # Errors
/// See [`Error`].
pub fn migrate(settings: &Settings) -> Result<Migrated, Error> {
    ask(settings, async |projection| projection.migrate().await)
}

/// The SQL that [`migrate`] would carry out. Changes nothing.
///
/// # Errors
/// See [`Error`].
pub fn migration_sql(settings: &Settings) -> Result<String, Error> {
    ask(settings, async |projection| Ok(pending_sql(MIGRATIONS, projection.version().await?)))
}

/// Hands the outcomes that were set aside to `visit`, in the order of their entries.
///
/// # Errors
/// See [`Error`].
pub fn set_aside(settings: &Settings, mut visit: impl FnMut(&Shown)) -> Result<(), Error> {
    ask(settings, async |projection| {
        let mut after = None;
        loop {
            let page = projection.set_aside(after, PAGE).await?;
            page.iter().for_each(&mut visit);
            after = page.last().map(|last| last.position);
            if after.is_none() {
                return Ok(());
            }
        }
    })
}

/// Asks the server that writes to the database to try outcomes again, these or all, and waits so
/// long for what comes of it.
///
/// # Errors
/// See [`Error`].
pub fn retry(
    settings: &Settings,
    positions: Option<&[Position]>,
    wait: Duration,
) -> Result<Outcome, Error> {
    ask(settings, async |projection| {
        let asked = projection.want(positions).await?;
        let begun = Instant::now();
        loop {
            let outcome = outcome(projection, positions, asked).await?;
            if outcome.waiting == 0 || begun.elapsed() >= wait {
                return Ok(outcome);
            }
            tokio::time::sleep(LOOK).await;
        }
    })
}

/// What has become of outcomes so far.
async fn outcome(
    projection: &Projection,
    positions: Option<&[Position]>,
    asked: u64,
) -> Result<Outcome, postgres::Error> {
    let mut outcome = Outcome { asked, ..Outcome::default() };
    let mut after = None;
    loop {
        let page = projection.set_aside(after, PAGE).await?;
        after = page.last().map(|last| last.position);
        for shown in page {
            if positions.is_some_and(|positions| !positions.contains(&shown.position)) {
                continue;
            }
            match shown.is_wanted {
                true => outcome.waiting += 1,
                false => outcome.refused.push(shown),
            }
        }
        if after.is_none() {
            return Ok(outcome);
        }
    }
}

/// What kind of thing an outcome is, as its record says; `None` where the record does not read.
pub fn kind_of(shown: &Shown) -> Option<EventKind> {
    match shown.position.sequence {
        SequenceId::CONTROL => EventKind::of_control(&decode_control(&shown.record).ok()?.event),
        _ => EventKind::of_shard(&decode_shard(&shown.record).ok()?.event),
    }
}

fn ask<T>(
    settings: &Settings,
    question: impl AsyncFnOnce(&Projection) -> Result<T, postgres::Error>,
) -> Result<T, Error> {
    let options =
        projection::options(settings).map_err(|error| Error::Settings(error.to_string()))?;
    let none = || Error::Settings("there is no database: postgres.url is empty".to_owned());
    let options = options.ok_or_else(none)?;
    let answer = async { question(&Projection::new(&options)).await };
    Ok(actix_web::rt::System::new().block_on(answer)?)
}
