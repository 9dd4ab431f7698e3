//! What is shared with other servers through Redis, as the settings say.

use std::sync::Arc;
use std::time::Duration;

use redeemd_config::{RedisKind, Settings};
use redeemd_persistence::shared::{Kind, Link, Options};

use super::{Error, tls};
use crate::operation::Operation;

/// How long the end of the server waits for the last announcements.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Begins to share, where the settings say so. Nobody waits for Redis.
///
/// # Errors
/// When the settings cannot be used.
pub(super) fn begin(settings: &Settings, operation: &Operation) -> Result<(), Error> {
    if let Some(options) = options(settings)? {
        let refused = |error| Error::Settings(format!("the settings of [redis]: {error}"));
        operation.sharing.begin(Link::start(options).map_err(refused)?);
    }
    Ok(())
}

/// Lets the last announcements leave.
pub(super) async fn finish(operation: &Operation) {
    if let Some(link) = operation.sharing.link().map(Arc::clone) {
        link.finish(LAST_WORDS).await;
    }
}

fn options(settings: &Settings) -> Result<Option<Options>, Error> {
    let redis = &settings.redis;
    let Some(url) = &redis.url else { return Ok(None) };
    let tls = url.is_encrypted.then(|| tls::read(&redis.tls, "redis")).transpose()?;
    let kind = match redis.kind {
        RedisKind::Server => Kind::Server,
        RedisKind::Cluster => Kind::Cluster,
        RedisKind::Sentinel => Kind::Sentinel {
            master: redis.sentinel_master.clone(),
            password: redis.sentinel_password.expose().to_owned(),
        },
    };
    Ok(Some(Options {
        kind,
        hosts: url.hosts.clone(),
        user: url.user.clone(),
        password: url.password.expose().to_owned(),
        database: url.database,
        tls,
        prefix: redis.prefix.clone(),
        slow: Duration::from_millis(redis.slow_ms),
        connect_timeout: Duration::from_millis(redis.connect_timeout_ms),
        max_in_flight: redis.max_in_flight,
        longest_delay: Duration::from_secs(redis.max_retry_delay_seconds),
    }))
}
