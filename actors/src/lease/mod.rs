//! A lease on the journal: while somebody holds it, the journal deletes nothing, so that a backup can
//! be taken while the node goes on.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::Ordering;

use actix::{Addr, Handler, Message};
use redeemd_persistence::journal::Reader;

use crate::journal_writer::JournalWriter;
use crate::node::Node;

/// Why there is no lease, or no reader.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody has it. More than one at a time would keep the journal long for no gain.
    #[error("a backup is being taken already")]
    Taken,
    /// The journal cannot be read, or is gone.
    #[error("the journal cannot be read: {0}")]
    Journal(String),
}

/// While this exists the journal deletes nothing. A disk that becomes full ends it before its time:
/// redemptions come before backups, and what was to be read is then missing.
pub struct Lease {
    writer: Addr<JournalWriter>,
    number: u64,
}

impl Lease {
    /// A reader of what is durable now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        let asked = self.writer.send(MakeReader).await;
        asked.map_err(|error| Error::Journal(error.to_string()))?.map_err(Error::Journal)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.writer.do_send(EndLease(self.number));
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lease").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Node {
    /// Lets the journal delete nothing until the lease is dropped.
    ///
    /// # Errors
    /// [`Error::Taken`] while there is another one.
    pub async fn lease_journal(&self) -> Result<Lease, Error> {
        let writer = self.journal_writer.clone();
        let asked = writer.send(BeginLease).await;
        match asked.map_err(|error| Error::Journal(error.to_string()))? {
            Some(number) => Ok(Lease { writer, number }),
            None => Err(Error::Taken),
        }
    }
}

/// Asks for a lease; its number, or `None` while there is one.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Option<u64>")]
struct BeginLease;

/// Asks for a reader.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Box<dyn Reader>, String>")]
struct MakeReader;

/// Ends a lease.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
struct EndLease(u64);

/// The leases of a journal: at most one at a time, and when it is over.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    given: u64,
    current: Option<u64>,
}

impl Leases {
    /// Whether nothing may be deleted.
    pub(crate) fn is_held(&self) -> bool {
        self.current.is_some()
    }

    /// Ends the lease that there is, if any; whether there was one.
    pub(crate) fn end(&mut self) -> bool {
        self.current.take().is_some()
    }
}

impl Handler<BeginLease> for JournalWriter {
    type Result = Option<u64>;

    fn handle(&mut self, _: BeginLease, _: &mut Self::Context) -> Self::Result {
        if self.leases.is_held() {
            return None;
        }
        self.leases.given += 1;
        self.leases.current = Some(self.leases.given);
        self.status.journal_is_leased.store(true, Ordering::Relaxed);
        self.leases.current
    }
}

impl Handler<MakeReader> for JournalWriter {
    type Result = Result<Box<dyn Reader>, String>;

    fn handle(&mut self, _: MakeReader, _: &mut Self::Context) -> Self::Result {
        self.journal.reader().map_err(|error| error.to_string())
    }
}

impl Handler<EndLease> for JournalWriter {
    type Result = ();

    fn handle(&mut self, EndLease(number): EndLease, _: &mut Self::Context) {
        if self.leases.current == Some(number) {
            self.end_lease();
        }
    }
}
