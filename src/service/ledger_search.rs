//! Reading the ledger: requests that a sequence has forgotten, and records by their position.
//!
//! Reading a disk waits, so it happens on threads that are kept for waiting.

use std::sync::Arc;
use std::time::Duration;

use redeemd_actors::ledger_record;
use redeemd_domain::machine::{Recollection, Recorded};
use redeemd_domain::request::{Request, RequestDigest};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::{control, shard};
use redeemd_persistence::ledger::{self, Key, KeyKind, LedgerReader};

use super::error::Error;

/// How long what a sequence has applied may take to appear in the ledger.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// A record that can be read from the ledger.
pub(super) trait Readable: Recorded + Sized {
    /// Reads what the ledger holds.
    fn read(bytes: &[u8]) -> Result<Self, ledger_record::Error>;
}

impl Readable for shard::Record {
    fn read(bytes: &[u8]) -> Result<Self, ledger_record::Error> {
        ledger_record::decode_shard(bytes)
    }
}

impl Readable for control::Record {
    fn read(bytes: &[u8]) -> Result<Self, ledger_record::Error> {
        ledger_record::decode_control(bytes)
    }
}

/// What the ledger knows of a request in a sequence.
pub(super) async fn search<R: Readable>(
    ledger: &LedgerReader,
    sequence: SequenceId,
    request: Request,
) -> Result<Recollection<R>, Error> {
    let ledger = ledger.clone();
    waiting(move || look_for(&ledger, sequence, request)).await
}

/// What the ledger knows of each of several requests, in their order.
pub(super) async fn search_all<R: Readable>(
    ledger: &LedgerReader,
    requests: Vec<(SequenceId, Request)>,
) -> Vec<Result<Recollection<R>, Error>> {
    let (ledger, count) = (ledger.clone(), requests.len());
    let searched = waiting(move || {
        let look_for = |(sequence, request)| look_for(&ledger, sequence, request);
        Ok(requests.into_iter().map(look_for).collect())
    });
    searched.await.unwrap_or_else(|error| {
        let reason = error.to_string();
        (0..count).map(|_| Err(Error::internal(reason.as_str()))).collect()
    })
}

/// The record in a sequence that answers a request, whatever the request's body said.
pub(super) async fn find<R: Readable>(
    ledger: &LedgerReader,
    sequence: SequenceId,
    request: RequestDigest,
) -> Result<Option<Arc<R>>, Error> {
    let ledger = ledger.clone();
    waiting(move || answer_to(&ledger, sequence, request)).await
}

fn look_for<R: Readable>(
    ledger: &LedgerReader,
    sequence: SequenceId,
    request: Request,
) -> Result<Recollection<R>, Error> {
    let found = answer_to(ledger, sequence, request.digest)?;
    Ok(found.map_or(Recollection::Unknown, |record| Recollection::of(record, &request)))
}

fn answer_to<R: Readable>(
    ledger: &LedgerReader,
    sequence: SequenceId,
    request: RequestDigest,
) -> Result<Option<Arc<R>>, Error> {
    for found in ledger.find(Key { kind: KeyKind::REQUEST, bytes: &request.0 }) {
        let found = found.map_err(unreadable)?;
        // Another key may have the same hash, and a key may be known to several sequences.
        if found.record.position.sequence != sequence {
            continue;
        }
        let record = decode::<R>(&found.record)?;
        if record.request().is_some_and(|(digest, _)| digest == request) {
            return Ok(Some(Arc::new(record)));
        }
    }
    Ok(None)
}

/// The record at a position, if there is one.
pub(super) async fn read<R: Readable>(
    ledger: &LedgerReader,
    position: Position,
) -> Result<Option<R>, Error> {
    let ledger = ledger.clone();
    waiting(move || {
        let record = ledger.read(position).map_err(unreadable)?;
        record.map(|record| decode(&record)).transpose()
    })
    .await
}

/// Waits until the ledger has everything up to an entry that its sequence has applied. Answers are
/// not held back for the ledger, so it may be a moment behind.
pub(super) async fn wait_until_appended(
    ledger: &LedgerReader,
    position: Position,
) -> Result<(), Error> {
    let has_it = || ledger.appended(position.sequence) >= position.number;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(1);
    while !has_it() {
        if tokio::time::Instant::now() >= deadline {
            return Err(Error::Overloaded);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    Ok(())
}

/// The record in what the ledger holds.
pub(super) fn decode<R: Readable>(record: &ledger::Record) -> Result<R, Error> {
    let position = record.position;
    R::read(&record.bytes).map_err(|error| Error::internal(format!("{position}: {error}")))
}

/// The error that a ledger which does not read stands for.
pub(super) fn unreadable(error: ledger::Error) -> Error {
    Error::internal(error.to_string())
}

/// Runs something that waits for a disk.
pub(super) async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::internal("reading the ledger panicked")))
}
