//! A block: all frames of one flush, or an anchor, behind a header with checksums.
//!
//! | offset | bytes | field (little-endian) |
//! | --- | --- | --- |
//! | 0 | 8 | magic `rdBLOCK1` |
//! | 8 | 2 | format version |
//! | 10 | 2 | kind: 1 entries, 2 anchor |
//! | 12 | 4 | length of the body |
//! | 16 | 16 | identity of the data directory |
//! | 32 | 8 | block number; an anchor bears that of the block that follows it |
//! | 40 | 4 | CRC-32C of the body |
//! | 44 | 4 | CRC-32C of the 44 bytes before it |
//! | 48 | | body |
//!
//! Magic, version and the header's checksum stay where they are in every later version, so that an
//! older program can say that a newer one wrote the block.
//!
//! The body of an entries block is its frames. The body of an anchor is the state of all chains
//! before the block that bears its number: for each sequence with any entry its number (2 bytes),
//! its last entry (8) and its digest (16), by sequence.

use redeemd_domain::sequence::SequenceId;

use super::chain::{ChainDigest, Chains, DirectoryId, Tail};

pub(crate) const MAGIC: [u8; 8] = *b"rdBLOCK1";
pub(crate) const VERSION: u16 = 1;
pub(crate) const HEADER_BYTES: usize = 48;
/// Blocks on a disk begin at multiples of this, so that no flush rewrites a page of a former one.
pub(crate) const ALIGNMENT: usize = 4096;

const KIND_ENTRIES: u16 = 1;
const KIND_ANCHOR: u16 = 2;
const ANCHOR_RECORD_BYTES: usize = 26;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Entries,
    Anchor,
}

/// A header whose own checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) directory: DirectoryId,
    pub(crate) number: u64,
    pub(crate) body_bytes: u32,
    body_checksum: u32,
}

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    Unreadable,
    Newer { version: u16 },
}

impl Header {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        Self::decode_intact(bytes).unwrap_or(Err(HeaderError::Unreadable))
    }

    fn decode_intact(bytes: &[u8]) -> Option<Result<Self, HeaderError>> {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        let (covered, checksum) = header.split_last_chunk::<4>()?;
        let (magic, rest) = covered.split_first_chunk::<8>()?;
        if *magic != MAGIC || crc32c::crc32c(covered) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let version = u16::from_le_bytes(*version);
        if version > VERSION {
            return Some(Err(HeaderError::Newer { version }));
        }
        let (kind, rest) = rest.split_first_chunk::<2>()?;
        let (body_bytes, rest) = rest.split_first_chunk::<4>()?;
        let (directory, rest) = rest.split_first_chunk::<16>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let body_checksum = rest.first_chunk::<4>()?;
        let kind = match u16::from_le_bytes(*kind) {
            KIND_ENTRIES => Kind::Entries,
            KIND_ANCHOR => Kind::Anchor,
            _ => return None,
        };
        Some(Ok(Self {
            kind,
            directory: DirectoryId(*directory),
            number: u64::from_le_bytes(*number),
            body_bytes: u32::from_le_bytes(*body_bytes),
            body_checksum: u32::from_le_bytes(*body_checksum),
        }))
    }

    /// The body's length.
    pub(crate) fn body_length(&self) -> usize {
        self.body_bytes as usize
    }

    /// The length of header and body.
    pub(crate) fn block_length(&self) -> usize {
        HEADER_BYTES.saturating_add(self.body_length())
    }

    /// Whether the body is the one that was written.
    pub(crate) fn fits(&self, body: &[u8]) -> bool {
        body.len() == self.body_length() && crc32c::crc32c(body) == self.body_checksum
    }
}

/// The length of a block on a disk: with the zeros up to the next multiple of [`ALIGNMENT`].
pub(crate) fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGNMENT)
}

/// The length of an anchor block for so many sequences.
pub(crate) fn anchor_length(sequences: usize) -> usize {
    HEADER_BYTES + sequences * ANCHOR_RECORD_BYTES
}

/// A block while it is put together. The memory is used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    bytes: Vec<u8>,
}

impl Builder {
    /// Begins a new block; the body is whatever is appended to the returned bytes.
    pub(crate) fn begin(&mut self) -> &mut Vec<u8> {
        self.bytes.clear();
        self.bytes.resize(HEADER_BYTES, 0);
        &mut self.bytes
    }

    /// Writes the header over the frames, and zeros up to the alignment behind them.
    pub(crate) fn finish(&mut self, kind: Kind, directory: DirectoryId, number: u64) -> Block<'_> {
        let length = self.bytes.len();
        let body = self.bytes.get(HEADER_BYTES..).unwrap_or_default();
        let mut header = [0; HEADER_BYTES];
        let kind = match kind {
            Kind::Entries => KIND_ENTRIES,
            Kind::Anchor => KIND_ANCHOR,
        };
        header[..8].copy_from_slice(&MAGIC);
        header[8..10].copy_from_slice(&VERSION.to_le_bytes());
        header[10..12].copy_from_slice(&kind.to_le_bytes());
        header[12..16].copy_from_slice(&(body.len() as u32).to_le_bytes());
        header[16..32].copy_from_slice(&directory.0);
        header[32..40].copy_from_slice(&number.to_le_bytes());
        header[40..44].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
        let checksum = crc32c::crc32c(&header[..44]);
        header[44..48].copy_from_slice(&checksum.to_le_bytes());
        self.bytes[..HEADER_BYTES].copy_from_slice(&header);
        self.bytes.resize(padded(length), 0);
        Block { number, length, padded: &self.bytes }
    }

    /// A block that was made before, header and all.
    pub(crate) fn adopt(&mut self, number: u64, bytes: &[u8]) -> Block<'_> {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(padded(bytes.len()), 0);
        Block { number, length: bytes.len(), padded: &self.bytes }
    }

    /// The anchor before block `number`.
    pub(crate) fn anchor(&mut self, chains: &Chains, number: u64) -> Block<'_> {
        let body = self.begin();
        for (sequence, tail) in chains.tails() {
            body.extend_from_slice(&sequence.0.to_le_bytes());
            body.extend_from_slice(&tail.last.to_le_bytes());
            body.extend_from_slice(&tail.digest.0);
        }
        self.finish(Kind::Anchor, chains.directory(), number)
    }
}

/// A finished block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    pub(crate) number: u64,
    length: usize,
    padded: &'a [u8],
}

impl<'a> Block<'a> {
    /// Header and body.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.padded.get(..self.length).unwrap_or(self.padded)
    }

    /// Header, body, and zeros up to the alignment.
    pub(crate) fn padded(&self) -> &'a [u8] {
        self.padded
    }
}

/// Reads the chains from an anchor's body; `None` when it is none.
pub(crate) fn decode_anchor(body: &[u8], directory: DirectoryId) -> Option<Chains> {
    let (records, rest) = body.as_chunks::<ANCHOR_RECORD_BYTES>();
    if !rest.is_empty() {
        return None;
    }
    let mut chains = Chains::new(directory);
    for record in records {
        let (sequence, record) = record.split_first_chunk::<2>()?;
        let (last, record) = record.split_first_chunk::<8>()?;
        let digest = ChainDigest(*record.first_chunk::<16>()?);
        let last = u64::from_le_bytes(*last);
        chains.set(SequenceId(u16::from_le_bytes(*sequence)), Tail { last, digest });
    }
    let unique = chains.tails().len() == records.len();
    unique.then_some(chains)
}
