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
    is_busy: bool,
}

impl Connection {
    /// Makes one.
    async fn open(config: &Config) -> Result<Self, Error> {
        let (client, connection) = config.connect(NoTls).await?;
        // How the connection ended is said to whoever asks the client next.
        let driver = tokio::spawn(async move { _ = connection.await }).abort_handle();
        Ok(Self { client, driver, is_busy: false })
    }

    /// Notes that something is asked. One that is given back before its answer was noted is not
    /// handed out again: what it does next would be anybody's guess.
    pub(super) fn ask(&mut self) {
        self.is_busy = true;
    }

    /// Notes that everything that was asked was answered.
    pub(super) fn answered(&mut self) {
        self.is_busy = false;
    }
}

impl Drop for Connection {
    /// One in the middle of something is cut off, since nobody waits for it any more; any other
    /// takes its leave of the server by itself.
    fn drop(&mut self) {
        if self.is_busy {
            self.driver.abort();
        }
    }
}

/// Makes connections for the pool.
#[derive(Clone)]
pub(super) struct Manager {
    config: Config,
    timeout: Duration,
}

impl fmt::Debug for Manager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration may hold a password.
        formatter.write_str("Manager")
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = Error;

    /// The driver bounds only how long it takes until somebody accepts, and the pool waits for ever:
    /// a server that accepts and then says nothing would take its place away.
    async fn connect(&self) -> Result<Connection, Error> {
        match tokio::time::timeout(self.timeout, Connection::open(&self.config)).await {
            Ok(opened) => opened,
            Err(_) => Err(no_answer(self.timeout)),
        }
    }

    /// Without a round trip: whoever uses the connection notices more than one could tell.
    async fn is_valid(&self, connection: &mut Connection) -> Result<(), Error> {
        if self.has_broken(connection) {
            return Err(Error::Away("the connection was closed".to_owned()));
        }
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_busy || connection.client.is_closed()
    }
}

/// Nobody answered within this time.
pub(super) fn no_answer(within: Duration) -> Error {
    Error::Away(format!("no answer within {} s", within.as_secs_f32()))
}

/// A pool; it makes connections when they are first asked for.
pub(super) fn pool(options: &Options) -> Connections {
    Pool::builder()
        .max_size(options.pool_size)
        .connection_timeout(options.connect_timeout + Duration::from_millis(500))
        // Who asks decides when to ask again.
        .retry_connection(false)
        .build_unchecked(Manager {
            config: options.config.clone(),
            timeout: options.connect_timeout,
        })
}

impl From<RunError<Self>> for Error {
    fn from(error: RunError<Self>) -> Self {
        match error {
            RunError::User(error) => error,
            RunError::TimedOut => Self::Away("no connection was to be had in time".to_owned()),
        }
    }
}
