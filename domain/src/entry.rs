//! Entries: what the journal stores, and how a run of them is written into one frame.
//!
//! A frame's payload is a format version followed by the entries one after the other, each in
//! postcard's encoding. An entry's number is not stored: a frame knows its first.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::append::append;
use crate::timestamp::Timestamp;

/// The version of the encoding that [`encode`] writes.
pub const FORMAT_VERSION: u8 = 1;

/// A command with its number and the time that it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<C> {
    /// Its place in the sequence; the first is 1.
    pub number: u64,
    /// When the proposer stamped it.
    pub at: Timestamp,
    /// Up to which entry the ledger durably covered the sequence when this one was proposed. The
    /// state forgets what it remembered for the ledger's sake up to there.
    pub covered: u64,
    /// What to do.
    pub command: C,
}

/// Why a frame's payload does not read as entries.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payload is empty.
    #[error("the payload is empty")]
    Empty,
    /// The payload was written by a newer version.
    #[error("the payload has format version {0}, and this version reads up to {FORMAT_VERSION}")]
    Newer(u8),
    /// An entry does not decode.
    #[error("entry {number} does not decode: {source}")]
    Malformed {
        /// The entry's number.
        number: u64,
        /// What the decoder said.
        source: postcard::Error,
    },
    /// There is more than the entries that the frame announced.
    #[error("the payload holds {bytes} bytes after its {count} entries")]
    Trailing {
        /// How many entries the frame announced.
        count: u32,
        /// How many bytes are left.
        bytes: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct Stored<C> {
    at: Timestamp,
    covered: u64,
    command: C,
}

/// Begins a payload.
pub fn begin(payload: &mut Vec<u8>) {
    payload.push(FORMAT_VERSION);
}

/// Appends an entry to a payload that [`begin`] began.
///
/// # Errors
/// When the entry cannot be encoded; the payload is then as it was.
pub fn encode<C: Serialize>(entry: &Entry<C>, payload: &mut Vec<u8>) -> postcard::Result<()> {
    append(&Stored { at: entry.at, covered: entry.covered, command: &entry.command }, payload)
}

/// Reads the entries of a payload and hands each to `visit`, in order.
///
/// # Errors
/// When the payload is damaged; the entries before the damage were then visited.
pub fn decode<C: DeserializeOwned>(
    payload: &[u8],
    first: u64,
    count: u32,
    mut visit: impl FnMut(Entry<C>),
) -> Result<(), Error> {
    let (&version, mut rest) = payload.split_first().ok_or(Error::Empty)?;
    if version != FORMAT_VERSION {
        return Err(Error::Newer(version));
    }
    for number in (first..=u64::MAX).take(count as usize) {
        let (stored, after): (Stored<C>, &[u8]) = postcard::take_from_bytes(rest)
            .map_err(|source| Error::Malformed { number, source })?;
        rest = after;
        let Stored { at, covered, command } = stored;
        visit(Entry { number, at, covered, command });
    }
    if rest.is_empty() { Ok(()) } else { Err(Error::Trailing { count, bytes: rest.len() }) }
}
