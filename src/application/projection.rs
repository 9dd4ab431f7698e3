//! The projection to PostgreSQL, as the settings ask for it.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use redeemd_actors::messages::Finish;
use redeemd_actors::node::Node;
use redeemd_actors::projector::core::Limits;
use redeemd_actors::projector::status::ProjectorStatus;
use redeemd_actors::projector::{Projector, Surroundings};
use redeemd_config::{Postgres, PostgresUrl, Settings};
use redeemd_domain::codes::HintKey;
use redeemd_persistence::data_directory::DataDirectory;
use redeemd_persistence::postgres::{Note, Options, Owner, Renderer, WrongOptions};

use super::{Error, tls};

/// How long the projector may go on when the server ends: as long as its last batches, and some more.
const LAST_WORK: Duration = Duration::from_secs(10);

/// How the database is reached, if there is one.
///
/// # Errors
/// When its URL does not read, or TLS cannot be used as it is asked for.
pub(super) fn options(settings: &Settings) -> Result<Option<Options>, Error> {
    options_of(&settings.postgres, settings.postgres.url.as_ref())
}

/// How its replica is reached, if there is one.
///
/// # Errors
/// As of [`options`].
pub(super) fn replica_options(settings: &Settings) -> Result<Option<Options>, Error> {
    let options = options_of(&settings.postgres, settings.postgres.replica_url.as_ref());
    options.map_err(|error| {
        let said = error.to_string();
        Error::Settings(said.replacen("postgres.url", "postgres.replica_url", 1))
    })
}

fn options_of(settings: &Postgres, url: Option<&PostgresUrl>) -> Result<Option<Options>, Error> {
    let Some(url) = url else { return Ok(None) };
    let refused = |wrong: WrongOptions| Error::Settings(wrong.to_string());
    let options = Options::new(
        url.text.expose(),
        settings.pool_size,
        Duration::from_millis(settings.connect_timeout_ms),
        Duration::from_millis(settings.batch_timeout_ms),
    );
    let options = options.map_err(refused)?;
    Ok(Some(match url.is_encrypted {
        true => options.encrypted(&tls::read(&settings.tls, "postgres")?).map_err(refused)?,
        false => options,
    }))
}

/// Starts the projector. The server does not wait for it: the database may be away.
pub(super) fn start(
    settings: &Settings,
    options: Options,
    directory: &DataDirectory,
    node: &Node,
    hints: HintKey,
    status: Arc<ProjectorStatus>,
) -> Addr<Projector> {
    let owner = Owner::new(directory.identity());
    let settings = &settings.postgres;
    Projector::start(Surroundings {
        options,
        migrates: settings.migrate,
        limits: Limits {
            batch_rows: settings.max_batch_rows,
            longest_batch: Duration::from_millis(settings.batch_timeout_ms / 4),
            batches_at_once: settings.pool_size as usize,
            interval: Duration::from_millis(settings.interval_ms),
            longest_delay: Duration::from_millis(settings.max_retry_delay_ms),
        },
        ledger: node.ledger.clone(),
        renderer: Renderer::new(hints),
        view: node.view.clone(),
        note: Note::new(directory.disk(), &owner),
        owner,
        max_backlog_bytes: Some(settings.max_backlog_bytes).filter(|&bytes| bytes > 0),
        status,
        node: Arc::clone(&node.status),
    })
}

/// Ends the projector, within a bounded time. What it did not write is written after the next start.
pub(super) async fn finish(projector: Option<Addr<Projector>>) {
    if let Some(projector) = projector {
        // One that is gone already has nothing left to do, and one that is busy loses nothing.
        let _ = tokio::time::timeout(LAST_WORK, projector.send(Finish)).await;
    }
}
