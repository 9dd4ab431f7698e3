//! Records as the ledger keeps them, and the keys by which they are found.
//!
//! The first byte of a record is its format version. A change of what a record holds is a new
//! version; a fixture of every version stays in the tests.

use redeemd_domain::append;
use redeemd_domain::machine::Recorded;
use redeemd_domain::request::RequestDigest;
use redeemd_domain::slot::Slot;
use redeemd_domain::{control, shard};
use redeemd_persistence::ledger::{self, Batch, Key, KeyKind};

/// The version that is written.
pub const FORMAT_VERSION: u8 = 1;

/// Why a record of the ledger does not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was written by a newer version.
    #[error("the record has format version {0}, and this version reads up to {FORMAT_VERSION}")]
    Newer(u8),
    /// It is not what was written.
    #[error("the record does not decode")]
    Malformed,
}

/// A record that knows how the ledger finds it.
pub trait Keyed: Recorded {
    /// Hands every key of the record, besides that of its request, to `visit`.
    fn keys(&self, visit: &mut dyn FnMut(KeyKind, &[u8]));
}

// A record of holds that expired is found by the code of each of them.
const _: () = assert!(shard::MAX_EXPIRED as usize <= ledger::MAXIMUM_KEYS);

impl Keyed for shard::Record {
    fn keys(&self, visit: &mut dyn FnMut(KeyKind, &[u8])) {
        self.codes(&mut |code| visit(KeyKind::CODE, &code.canonical()));
        if let Some((_, redemption)) = self.redemption() {
            visit(KeyKind::USER, redemption.user.as_bytes());
        }
        if let Some((slot, number)) = self.ended() {
            visit(KeyKind::ENDED, &ended_key(slot, number));
        }
    }
}

/// The key of what a record ended, by the slot and the number of the entry that began it.
pub fn ended_key(slot: Slot, number: u64) -> [u8; 10] {
    let mut key = [0; 10];
    let bytes = slot.number().to_be_bytes().into_iter().chain(number.to_be_bytes());
    key.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    key
}

impl Keyed for control::Record {
    fn keys(&self, _visit: &mut dyn FnMut(KeyKind, &[u8])) {}
}

/// Adds a record to a batch for the ledger. `scratch` is a buffer to use again.
///
/// # Errors
/// When the ledger does not take it, which no record of this version is large enough for.
pub fn push<R: Keyed>(
    record: &R,
    batch: &mut Batch,
    scratch: &mut Vec<u8>,
) -> Result<(), ledger::Error> {
    encode(record, scratch)?;
    push_as_it_is(record, scratch, batch)
}

/// Adds a record to a batch in the bytes that a ledger had it in, which must be this record's.
///
/// # Errors
/// When the ledger does not take it.
pub fn push_as_it_is<R: Keyed>(
    record: &R,
    bytes: &[u8],
    batch: &mut Batch,
) -> Result<(), ledger::Error> {
    batch.push_with(record.number(), bytes, |add| {
        record.keys(&mut |kind, bytes| add(Key { kind, bytes }));
        if let Some((RequestDigest(digest), _)) = record.request() {
            add(Key { kind: KeyKind::REQUEST, bytes: &digest });
        }
    })
}

/// Writes a record into a buffer, over what is in it.
pub(crate) fn encode<R: Keyed>(record: &R, scratch: &mut Vec<u8>) -> Result<(), ledger::Error> {
    scratch.clear();
    scratch.push(FORMAT_VERSION);
    append(record, scratch)
        .map_err(|_| ledger::Error::BadOutcome { reason: "it cannot be encoded" })?;
    Ok(())
}

/// Reads a shard's record.
///
/// # Errors
/// When it is of a newer version or damaged.
pub fn decode_shard(bytes: &[u8]) -> Result<shard::Record, Error> {
    decode(bytes)
}

/// Reads a record of the control sequence.
///
/// # Errors
/// When it is of a newer version or damaged.
pub fn decode_control(bytes: &[u8]) -> Result<control::Record, Error> {
    decode(bytes)
}

pub(crate) fn decode<R: Recorded>(bytes: &[u8]) -> Result<R, Error> {
    match bytes.split_first() {
        Some((&FORMAT_VERSION, rest)) => redeemd_domain::decode(rest).ok_or(Error::Malformed),
        Some((&version, _)) => Err(Error::Newer(version)),
        None => Err(Error::Malformed),
    }
}
