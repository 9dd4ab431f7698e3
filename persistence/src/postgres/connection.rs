//! Connections, and the pool that keeps them.

use std::fmt;
use std::time::Duration;

use bb8::{ManageConnection, Pool, RunError};
use tokio::task::AbortHandle;
use tokio_postgres::{Client, Config, NoTls};

use super::error::Error;
use super::options::Options;

/// A pool of connections.
pub(super) type Connections = Pool<Manager>;

/// A connection: what asks, and what moves the bytes.
pub(super) struct Connection {
    pub(super) client: Client,
    driver: AbortHandle,
    is_spoilt: bool,
}

impl Connection {
    /// Makes one.
    pub(super) async fn open(config: &Config) -> Result<Self, Error> {
        let (client, connection) = config.connect(NoTls).await?;
        // How the connection ended is said to whoever asks the client next.
        let driver = tokio::spawn(async move { _ = connection.await }).abort_handle();
        Ok(Self { client, driver, is_spoilt: false })
    }

    /// Gives it up: something on it did not answer, and what it does next would be anybody's guess.
    pub(super) fn spoil(&mut self) {
        self.is_spoilt = true;
        self.driver.abort();
    }
}

/// Makes connections for the pool.
#[derive(Clone)]
pub(super) struct Manager(Config);

impl fmt::Debug for Manager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration may hold a password.
        formatter.write_str("Manager")
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = Error;

    async fn connect(&self) -> Result<Connection, Error> {
        Connection::open(&self.0).await
    }

    /// Without a round trip: whoever uses the connection notices more than one could tell.
    async fn is_valid(&self, connection: &mut Connection) -> Result<(), Error> {
        if self.has_broken(connection) {
            return Err(Error::Away("the connection was closed".to_owned()));
        }
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_spoilt || connection.client.is_closed()
    }
}

/// A pool; it makes connections when they are first asked for.
pub(super) fn pool(options: &Options) -> Connections {
    Pool::builder()
        .max_size(options.pool_size)
        .connection_timeout(options.connect_timeout + Duration::from_millis(500))
        // Who asks decides when to ask again.
        .retry_connection(false)
        .build_unchecked(Manager(options.config.clone()))
}

impl From<RunError<Self>> for Error {
    fn from(error: RunError<Self>) -> Self {
        match error {
            RunError::User(error) => error,
            RunError::TimedOut => Self::Away("no connection was to be had in time".to_owned()),
        }
    }
}
