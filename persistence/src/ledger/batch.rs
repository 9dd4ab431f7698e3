//! A batch of outcomes on its way into the ledger: one allocation, however many there are.

use redeemd_domain::sequence::SequenceId;

use super::bytes::put_variable;
use super::error::{Error, Result};
use super::key::{Key, KeyHasher};

/// The most keys that one record can be found by. Nearly all records have three at most; one entry
/// may end many holds at once, and is found by the code of each.
pub const MAXIMUM_KEYS: usize = 200;

/// The most bytes that one record may have.
pub const MAXIMUM_RECORD_BYTES: usize = 1 << 20;

/// Consecutive outcomes of one sequence, with their keys, ready to be appended.
///
/// It covers every number from its first to its last, though not every number needs a record: a
/// command that changed nothing leaves none. It is filled where the outcomes arise and sent to the
/// ledger's thread whole, so that the hashing of the keys is done by then.
#[derive(Clone, Debug)]
pub struct Batch {
    sequence: SequenceId,
    first: u64,
    last: u64,
    hasher: KeyHasher,
    bytes: Vec<u8>,
    marks: Vec<Mark>,
}

/// Where in the bytes a record begins: its keys' hashes, its length, and the record itself.
#[derive(Clone, Copy, Debug)]
struct Mark {
    number: u64,
    start: usize,
    hashes: u8,
}

/// One record of a batch, its bytes as the log stores them.
pub(super) struct Encoded<'a> {
    pub(super) number: u64,
    pub(super) hashes: &'a [u8],
    pub(super) bytes: &'a [u8],
}

impl Batch {
    /// An empty batch that begins at `first`, the number after the sequence's last one.
    pub fn new(sequence: SequenceId, first: u64, hasher: KeyHasher) -> Self {
        let last = first.saturating_sub(1);
        Self { sequence, first, last, hasher, bytes: Vec::new(), marks: Vec::new() }
    }

    /// Adds the record of the outcome with this number, which must lie above all before it. The
    /// numbers in between are covered, too: they left no record.
    ///
    /// # Errors
    /// [`Error::BadOutcome`] when the number does not rise or something is over its limit; the
    /// batch is then as it was.
    pub fn push(&mut self, number: u64, record: &[u8], keys: &[Key<'_>]) -> Result<()> {
        self.push_with(number, record, |add| keys.iter().for_each(|key| add(*key)))
    }

    /// As [`Batch::push`], with keys that are handed out one by one, for an owner whose keys live
    /// only so long.
    ///
    /// # Errors
    /// As [`Batch::push`].
    pub fn push_with(
        &mut self,
        number: u64,
        record: &[u8],
        keys: impl FnOnce(&mut dyn FnMut(Key<'_>)),
    ) -> Result<()> {
        if number <= self.last || number < self.first || number >= 1 << 48 {
            return Err(Error::BadOutcome { reason: "its number does not rise" });
        }
        if record.len() > MAXIMUM_RECORD_BYTES {
            return Err(Error::BadOutcome { reason: "its record is too long" });
        }
        let start = self.bytes.len();
        let mut hashes = 0;
        self.bytes.push(0);
        let (bytes, hasher) = (&mut self.bytes, self.hasher);
        keys(&mut |key| {
            if hashes < MAXIMUM_KEYS {
                bytes.extend_from_slice(&hasher.hash(key).to_le_bytes());
            }
            hashes += 1;
        });
        if hashes > MAXIMUM_KEYS {
            self.bytes.truncate(start);
            return Err(Error::BadOutcome { reason: "it has too many keys" });
        }
        let hashes = hashes as u8;
        if let Some(count) = self.bytes.get_mut(start) {
            *count = hashes;
        }
        put_variable(&mut self.bytes, record.len() as u64);
        self.bytes.extend_from_slice(record);
        self.marks.push(Mark { number, start, hashes });
        self.last = number;
        Ok(())
    }

    /// Covers the numbers up to `number`, which left no record. Lower numbers change nothing.
    pub fn cover(&mut self, number: u64) {
        self.last = self.last.max(number);
    }

    /// The sequence that the outcomes belong to.
    pub fn sequence(&self) -> SequenceId {
        self.sequence
    }

    /// The first number that it covers.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The last number that it covers, or the one before the first where it covers none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many records it has.
    pub fn records(&self) -> usize {
        self.marks.len()
    }

    /// How many bytes it will add to the log, about.
    pub fn encoded_bytes(&self) -> usize {
        self.bytes.len() + self.marks.len()
    }

    /// Empties it and lets it begin at `first`, keeping its memory for the next outcomes.
    pub fn reset(&mut self, first: u64) {
        self.first = first;
        self.last = first.saturating_sub(1);
        self.bytes.clear();
        self.marks.clear();
    }

    pub(super) fn encoded(&self) -> impl Iterator<Item = Encoded<'_>> {
        let ends = self.marks.iter().skip(1).map(|mark| mark.start).chain([self.bytes.len()]);
        self.marks.iter().zip(ends).map(|(mark, end)| {
            let hashes = mark.start + 1..mark.start + 1 + usize::from(mark.hashes) * 8;
            Encoded {
                number: mark.number,
                hashes: self.bytes.get(hashes).unwrap_or_default(),
                bytes: self.bytes.get(mark.start..end).unwrap_or_default(),
            }
        })
    }
}
