//! Looking for a request in the ledger, where a sequence has forgotten it.
//!
//! Reading a disk waits, so it happens on threads that are kept for waiting.

use std::sync::Arc;

use redeemd_actors::ledger_record;
use redeemd_domain::machine::{Recollection, Recorded};
use redeemd_domain::request::{Request, RequestDigest};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::{control, shard};
use redeemd_persistence::ledger::{Key, KeyKind, LedgerReader};

use super::error::Error;

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
    waiting(move || {
        let RequestDigest(digest) = request.digest;
        for found in ledger.find(Key { kind: KeyKind::REQUEST, bytes: &digest }) {
            let found = found.map_err(|error| Error::internal(error.to_string()))?;
            // Another key may have the same hash, and a key may be known to several sequences.
            if found.record.position.sequence != sequence {
                continue;
            }
            let record = R::read(&found.record.bytes)
                .map_err(|error| Error::internal(format!("{}: {error}", found.record.position)))?;
            match Recollection::of(Arc::new(record), &request) {
                Recollection::Unknown => {}
                known => return Ok(known),
            }
        }
        Ok(Recollection::Unknown)
    })
    .await
}

/// The record at a position, if there is one.
pub(super) async fn read<R: Readable>(
    ledger: &LedgerReader,
    position: Position,
) -> Result<Option<R>, Error> {
    let ledger = ledger.clone();
    waiting(move || {
        let record = ledger.read(position).map_err(|error| Error::internal(error.to_string()))?;
        let read = |bytes: &[u8]| {
            R::read(bytes).map_err(|error| Error::internal(format!("{position}: {error}")))
        };
        record.map(|record| read(&record.bytes)).transpose()
    })
    .await
}

/// Runs something that waits for a disk.
async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::internal("reading the ledger panicked")))
}
