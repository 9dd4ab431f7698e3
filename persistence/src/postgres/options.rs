//! How PostgreSQL is reached.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// How PostgreSQL is reached, and how long it may take.
#[derive(Clone)]
pub struct Options {
    pub(super) config: Config,
    pub(super) pool_size: u32,
    pub(super) connect_timeout: Duration,
    pub(super) batch_timeout: Duration,
}

/// The URL of a database does not read. It may hold a password, so it is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongUrl {
    /// It is no URL of PostgreSQL.
    #[error("postgres.url is not the URL of a PostgreSQL database (postgres://user@host/database)")]
    Malformed,
    /// It asks for TLS.
    #[error(
        "postgres.url asks for TLS, which this redeemd cannot do yet; reach the database over a \
         private network or a tunnel"
    )]
    Tls,
}

impl Options {
    /// A database by its URL, such as `postgres://redeemd@127.0.0.1/redeemd`.
    ///
    /// # Errors
    /// When the URL does not read.
    pub fn new(
        url: &str,
        pool_size: u32,
        connect_timeout: Duration,
        batch_timeout: Duration,
    ) -> Result<Self, WrongUrl> {
        let mut config = Config::from_str(url).map_err(|_| WrongUrl::Malformed)?;
        if config.get_hosts().is_empty() {
            return Err(WrongUrl::Malformed);
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err(WrongUrl::Tls);
        }
        config.connect_timeout(connect_timeout);
        config.keepalives_idle(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("redeemd");
        }
        Ok(Self { config, pool_size, connect_timeout, batch_timeout })
    }

    /// The same, for what may take longer than a batch.
    #[must_use]
    pub fn patient(self, batch_timeout: Duration) -> Self {
        Self { batch_timeout: self.batch_timeout.max(batch_timeout), ..self }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration may hold a password.
        let Self { config, pool_size, connect_timeout, batch_timeout } = self;
        formatter
            .debug_struct("Options")
            .field("database", &config.get_dbname())
            .field("pool_size", pool_size)
            .field("connect_timeout", connect_timeout)
            .field("batch_timeout", batch_timeout)
            .finish_non_exhaustive()
    }
}
