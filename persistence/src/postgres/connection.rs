//! Connections, and how the pool makes and judges them.

use std::fmt;
use std::time::Duration;

use bb8::ManageConnection;
use tokio::task::AbortHandle;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::Error;
use super::options::Options;

/// A connection: what asks, and what moves the bytes.
pub(super) struct Connection {
    pub(super) client: Client,
    driver: AbortHandle,
    is_busy: bool,
    is_given_up: bool,
}

impl Connection {
    /// Makes one, with TLS or without.
    async fn open(config: &Config, tls: Option<&MakeRustlsConnect>) -> Result<Self, Error> {
        // How a connection ended is said to whoever asks the client next.
        let (client, driver) = match tls {
            Some(tls) => {
                let connecting = config.connect(tls.clone()).await;
                let (client, connection) = connecting.map_err(Error::of_connecting)?;
                (client, tokio::spawn(async move { _ = connection.await }))
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                (client, tokio::spawn(async move { _ = connection.await }))
            }
        };
        Ok(Self { client, driver: driver.abort_handle(), is_busy: false, is_given_up: false })
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

    /// Notes that it is not to be used again: the next one may lead elsewhere, or to the same server
    /// with other settings of its user, which a connection keeps as they were when it was made.
    pub(super) fn give_up(&mut self) {
        self.is_given_up = true;
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
    tls: Option<MakeRustlsConnect>,
    timeout: Duration,
}

/// Why the pool has no connection to give.
#[derive(Debug)]
pub(super) enum Failure {
    /// One that was kept had been closed; the pool makes another.
    Closed,
    /// None could be made.
    NotMade(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Closed => Self::Away("the connection was closed".to_owned()),
            Failure::NotMade(error) => error,
        }
    }
}

impl Manager {
    /// One for a database.
    pub(super) fn new(options: &Options) -> Self {
        let Options { config, tls, connect_timeout, .. } = options;
        Self { config: config.clone(), tls: tls.clone(), timeout: *connect_timeout }
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration may hold a password.
        formatter.write_str("Manager")
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = Failure;

    /// The driver bounds only how long it takes until somebody accepts, and the pool waits for ever:
    /// a server that accepts and then says nothing would take its place away.
    async fn connect(&self) -> Result<Connection, Failure> {
        let opening = Connection::open(&self.config, self.tls.as_ref());
        let opened = tokio::time::timeout(self.timeout, opening).await;
        opened.unwrap_or_else(|_| Err(no_answer(self.timeout))).map_err(Failure::NotMade)
    }

    /// Without a round trip: whoever uses the connection notices more than one could tell.
    async fn is_valid(&self, connection: &mut Connection) -> Result<(), Failure> {
        if self.has_broken(connection) { Err(Failure::Closed) } else { Ok(()) }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_busy || connection.is_given_up || connection.client.is_closed()
    }
}

/// Nobody answered within this time.
pub(super) fn no_answer(within: Duration) -> Error {
    Error::Away(format!("no answer within {} s", within.as_secs_f32()))
}
