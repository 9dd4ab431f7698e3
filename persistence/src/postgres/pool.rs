//! The pool of connections, which also says why there is none. bb8 makes connections on the side and
//! keeps to itself what came of it: whoever asked would wait in vain, and hear only that it was in
//! vain.

use std::time::Duration;

use bb8::{ErrorSink, Pool, PooledConnection, RunError};
use tokio::sync::watch;

use super::connection::{Failure, Manager};
use super::error::Error;
use super::options::Options;

/// A pool of connections. They are made when they are first asked for.
#[derive(Debug)]
pub(super) struct Connections {
    pool: Pool<Manager>,
    /// Why the last connection could not be made.
    failures: watch::Receiver<Option<Error>>,
}

impl Connections {
    /// An empty pool.
    pub(super) fn new(options: &Options) -> Self {
        let (sender, failures) = watch::channel(None);
        let pool = Pool::builder()
            .max_size(options.pool_size)
            .connection_timeout(options.connect_timeout + Duration::from_millis(500))
            // Who asks decides when to ask again.
            .retry_connection(false)
            .error_sink(Box::new(Failures(sender)))
            .build_unchecked(Manager::new(options));
        Self { pool, failures }
    }

    /// A connection: one that nobody uses, or a new one. Where there are some and all are in use, one
    /// of them is waited for even if no other can be made, as where the database allows no more.
    ///
    /// # Errors
    /// Why none could be made; [`Error::Away`] where all are in use for too long.
    pub(super) async fn get(&self) -> Result<PooledConnection<'_, Manager>, Error> {
        let mut failures = self.failures.clone();
        failures.mark_unchanged();
        let mut reason = None;
        let connection = self.pool.get();
        tokio::pin!(connection);
        loop {
            tokio::select! {
                biased;
                got = &mut connection => return match got {
                    Ok(connection) => Ok(connection),
                    Err(RunError::User(failure)) => Err(failure.into()),
                    Err(RunError::TimedOut) => Err(reason.unwrap_or_else(|| {
                        Error::Away("no connection was free in time".to_owned())
                    })),
                },
                Ok(()) = failures.changed() => {
                    reason.clone_from(&failures.borrow_and_update());
                    if let Some(reason) = reason.take_if(|_| self.pool.state().connections == 0) {
                        return Err(reason);
                    }
                }
            }
        }
    }
}

/// Where the pool leaves why a connection could not be made.
#[derive(Clone, Debug)]
struct Failures(watch::Sender<Option<Error>>);

impl ErrorSink<Failure> for Failures {
    fn sink(&self, failure: Failure) {
        if let Failure::NotMade(error) = failure {
            self.0.send_replace(Some(error));
        }
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<Failure>> {
        Box::new(self.clone())
    }
}
