//! How PostgreSQL is reached.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls::{self, Tls};

/// What a client says that it speaks within TLS: the name of PostgreSQL's protocol with IANA. Servers
/// since version 17 want it where TLS begins without a question before it.
const PROTOCOL: &[u8] = b"postgresql";

/// How PostgreSQL is reached, and how long it may take.
#[derive(Clone)]
pub struct Options {
    pub(super) config: Config,
    /// What makes connections with TLS; without it they have none.
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) pool_size: u32,
    pub(super) connect_timeout: Duration,
    pub(super) batch_timeout: Duration,
}

/// PostgreSQL cannot be reached like this. The URL may hold a password, so it is not quoted.
#[derive(Debug, thiserror::Error)]
pub enum WrongOptions {
    /// It is no URL of PostgreSQL.
    #[error("postgres.url is not the URL of a PostgreSQL database (postgres://user@host/database)")]
    Malformed,
    /// TLS is asked for on a way that has none.
    #[error("postgres.url asks for TLS and names a socket; name a host, or leave sslmode out")]
    Socket,
    /// TLS cannot be used with what the files hold.
    #[error("the settings of [postgres]: {0}")]
    Tls(#[from] tls::Error),
}

impl Options {
    /// A database by its URL, such as `postgres://redeemd@127.0.0.1/redeemd`, without TLS.
    ///
    /// # Errors
    /// When the URL does not read, or asks for TLS itself.
    pub fn new(
        url: &str,
        pool_size: u32,
        connect_timeout: Duration,
        batch_timeout: Duration,
    ) -> Result<Self, WrongOptions> {
        let mut config = Config::from_str(url).map_err(|_| WrongOptions::Malformed)?;
        // Whoever has read of TLS in it has taken that out: it must never be passed over.
        if config.get_hosts().is_empty() || config.get_ssl_mode() == SslMode::Require {
            return Err(WrongOptions::Malformed);
        }
        config.ssl_mode(SslMode::Disable);
        config.connect_timeout(connect_timeout);
        config.keepalives_idle(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("redeemd");
        }
        Ok(Self { config, tls: None, pool_size, connect_timeout, batch_timeout })
    }

    /// The same with TLS: nothing is sent to a server for whom nobody vouches, or under another name
    /// than the one in the URL, and nothing at all without TLS.
    ///
    /// # Errors
    /// When a host is a socket, or the files cannot be used.
    pub fn encrypted(mut self, tls: &Tls) -> Result<Self, WrongOptions> {
        if !self.config.get_hosts().iter().all(|host| matches!(host, Host::Tcp(_))) {
            return Err(WrongOptions::Socket);
        }
        let mut client = tls.client_config()?;
        client.alpn_protocols = vec![PROTOCOL.to_vec()];
        self.tls = Some(MakeRustlsConnect::new(client));
        self.config.ssl_mode(SslMode::Require);
        Ok(self)
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
        let Self { config, tls, pool_size, connect_timeout, batch_timeout } = self;
        formatter
            .debug_struct("Options")
            .field("database", &config.get_dbname())
            .field("is_encrypted", &tls.is_some())
            .field("pool_size", pool_size)
            .field("connect_timeout", connect_timeout)
            .field("batch_timeout", batch_timeout)
            .finish_non_exhaustive()
    }
}
