//! Blocks: what the log is made of. A block holds consecutive outcomes of one sequence, covers an
//! explicit range of its numbers, and is chained to the block before it in the log.
//!
//! A block is a header of [`HEADER_BYTES`] and a body. All numbers are little-endian.
//!
//! | at | bytes | meaning |
//! | --- | --- | --- |
//! | 0 | 4 | `RLB1` |
//! | 4 | 2 | format version, 1 |
//! | 6 | 2 | flags: bit 0 is set in the last block of a commit |
//! | 8 | 16 | the directory's identity |
//! | 24 | 8 | running number of the block in the log, from 1 |
//! | 32 | 8 | running number of the commit, from 1 |
//! | 40 | 4 | body checksum field (at 72) of the block before it, in the log's order |
//! | 44 | 4 | number of records |
//! | 48 | 2 | sequence |
//! | 50 | 2 | zero |
//! | 52 | 4 | length of the body in bytes |
//! | 56 | 8 | first number covered |
//! | 64 | 8 | last number covered |
//! | 72 | 4 | CRC-32C of the 72 bytes before and the body |
//! | 76 | 4 | CRC-32C of the 76 bytes before |
//!
//! The body holds, for each record: its number less the number before it (for the first: less the
//! first number covered), as LEB128; the count of its keys (one byte); that many hashes of 8 bytes;
//! its length as LEB128; its bytes.

use redeemd_domain::sequence::{Position, SequenceId};

use super::bytes::{Bytes, put_variable};
use super::locator::Locator;

/// The length of a block's header.
pub(super) const HEADER_BYTES: usize = 80;
/// A block is closed once its body has this many bytes.
pub(super) const TARGET_BODY_BYTES: usize = 16 << 10;
/// No body is longer: one record of the longest kind may start just below the target.
pub(super) const MAXIMUM_BODY_BYTES: usize = TARGET_BODY_BYTES + (1 << 20) + 256;
/// A locator has 16 bits for the record's index.
pub(super) const MAXIMUM_RECORDS: u32 = 1 << 16;
/// The first bytes of a block.
pub(super) const MAGIC: [u8; 4] = *b"RLB1";

const VERSION: u16 = 1;
const LAST_OF_COMMIT: u16 = 1;

/// What a block's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) last_of_commit: bool,
    pub(super) directory_id: [u8; 16],
    pub(super) block: u64,
    pub(super) commit: u64,
    pub(super) previous_checksum: u32,
    pub(super) records: u32,
    pub(super) sequence: SequenceId,
    pub(super) body_bytes: u32,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) checksum: u32,
}

/// Why some bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Truncated,
    Magic,
    HeaderChecksum,
    Version(u16),
    Length,
    Checksum,
}

impl Fault {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Truncated => "the block ends too early",
            Self::Magic => "no block begins here",
            Self::HeaderChecksum => "the header's checksum does not match",
            Self::Version(_) => "the block has a newer format version",
            Self::Length => "the block states an impossible length",
            Self::Checksum => "the block's checksum does not match",
        }
    }
}

impl Header {
    /// The length of header and body.
    pub(super) fn block_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }

    /// Reads and checks a header alone.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let header = bytes.get(..HEADER_BYTES).ok_or(Fault::Truncated)?;
        let mut fields = Bytes(header);
        if fields.array() != Some(MAGIC) {
            return Err(Fault::Magic);
        }
        let checked = header.get(..76).ok_or(Fault::Truncated)?;
        let stated = Bytes(header.get(76..).unwrap_or_default()).u32();
        if stated != Some(crc32c::crc32c(checked)) {
            return Err(Fault::HeaderChecksum);
        }
        let version = fields.u16().ok_or(Fault::Truncated)?;
        if version != VERSION {
            return Err(Fault::Version(version));
        }
        let mut parse = || {
            let flags = fields.u16()?;
            let directory_id = fields.array()?;
            let (block, commit) = (fields.u64()?, fields.u64()?);
            let (previous_checksum, records) = (fields.u32()?, fields.u32()?);
            let sequence = SequenceId(fields.u16()?);
            fields.u16()?;
            let body_bytes = fields.u32()?;
            let (first, last) = (fields.u64()?, fields.u64()?);
            let checksum = fields.u32()?;
            let last_of_commit = flags & LAST_OF_COMMIT != 0;
            Some(Self {
                last_of_commit,
                directory_id,
                block,
                commit,
                previous_checksum,
                records,
                sequence,
                body_bytes,
                first,
                last,
                checksum,
            })
        };
        let header = parse().ok_or(Fault::Truncated)?;
        if header.body_bytes as usize > MAXIMUM_BODY_BYTES || header.records > MAXIMUM_RECORDS {
            return Err(Fault::Length);
        }
        Ok(header)
    }

    /// Writes the header for a body into the first [`HEADER_BYTES`] of `block`, with both checksums
    /// taken anew, and returns the one that the next block names.
    pub(super) fn encode(&self, block: &mut [u8]) -> u32 {
        let mut header = [0; HEADER_BYTES];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            if let Some(field) = header.get_mut(at..at + bytes.len()) {
                field.copy_from_slice(bytes);
            }
            at += bytes.len();
        };
        put(&MAGIC);
        put(&VERSION.to_le_bytes());
        put(&(if self.last_of_commit { LAST_OF_COMMIT } else { 0 }).to_le_bytes());
        put(&self.directory_id);
        put(&self.block.to_le_bytes());
        put(&self.commit.to_le_bytes());
        put(&self.previous_checksum.to_le_bytes());
        put(&self.records.to_le_bytes());
        put(&self.sequence.0.to_le_bytes());
        put(&[0; 2]);
        put(&self.body_bytes.to_le_bytes());
        put(&self.first.to_le_bytes());
        put(&self.last.to_le_bytes());
        let body = block.get(HEADER_BYTES..).unwrap_or_default();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..72]), body);
        header[72..76].copy_from_slice(&checksum.to_le_bytes());
        let own = crc32c::crc32c(&header[..76]);
        header[76..].copy_from_slice(&own.to_le_bytes());
        if let Some(place) = block.get_mut(..HEADER_BYTES) {
            place.copy_from_slice(&header);
        }
        checksum
    }
}

/// A whole block, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    pub(super) header: Header,
    body: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads and checks the block at the front of `bytes`.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Fault> {
        let header = Header::decode(bytes)?;
        let body = bytes
            .get(HEADER_BYTES..HEADER_BYTES + header.body_bytes as usize)
            .ok_or(Fault::Truncated)?;
        let seed = crc32c::crc32c(bytes.get(..72).ok_or(Fault::Truncated)?);
        if crc32c::crc32c_append(seed, body) != header.checksum {
            return Err(Fault::Checksum);
        }
        Ok(Self { header, body })
    }

    /// Its records in order. A body that passed its checksum and is malformed all the same yields
    /// fewer than the header's count.
    pub(super) fn records(&self) -> Records<'a> {
        Records::new(self.header.sequence, self.header.block, self.header.first, self.body)
    }
}

/// One record of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockRecord<'a> {
    pub(super) position: Position,
    pub(super) locator: Locator,
    hashes: &'a [u8],
    pub(super) bytes: &'a [u8],
}

impl<'a> BlockRecord<'a> {
    /// The hashes of its keys.
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> + use<'a> {
        self.hashes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
    }
}

/// Walks over the records of a body.
#[derive(Clone, Debug)]
pub(super) struct Records<'a> {
    sequence: SequenceId,
    block: u64,
    number: u64,
    index: u32,
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    pub(super) fn new(sequence: SequenceId, block: u64, first: u64, body: &'a [u8]) -> Self {
        Self { sequence, block, number: first, index: 0, rest: body }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = BlockRecord<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut fields = Bytes(self.rest);
        let number = self.number.checked_add(fields.variable()?)?;
        let count = usize::from(fields.u8()?);
        let hashes = fields.take(count * 8)?;
        let length = usize::try_from(fields.variable()?).ok()?;
        let bytes = fields.take(length)?;
        let index = u16::try_from(self.index).ok()?;
        self.rest = fields.0;
        self.number = number;
        self.index += 1;
        Some(BlockRecord {
            position: Position { sequence: self.sequence, number },
            locator: Locator::new(self.block, index),
            hashes,
            bytes,
        })
    }
}

/// A block that is still being filled.
#[derive(Debug)]
pub(super) struct OpenBlock {
    pub(super) sequence: SequenceId,
    pub(super) block: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) records: u32,
    number: u64,
    body: Vec<u8>,
}

impl OpenBlock {
    /// An empty block. `body` gives its memory.
    pub(super) fn new(sequence: SequenceId, block: u64, first: u64, mut body: Vec<u8>) -> Self {
        body.clear();
        Self { sequence, block, first, last: first - 1, records: 0, number: first, body }
    }

    /// Whether it takes no more records.
    pub(super) fn is_full(&self) -> bool {
        self.body.len() >= TARGET_BODY_BYTES || self.records >= MAXIMUM_RECORDS
    }

    /// Adds a record, whose bytes begin with the count of its hashes.
    pub(super) fn push(&mut self, number: u64, encoded: &[u8]) -> Locator {
        put_variable(&mut self.body, number - self.number);
        self.body.extend_from_slice(encoded);
        let locator = Locator::new(self.block, self.records as u16);
        self.number = number;
        self.last = number;
        self.records += 1;
        locator
    }

    /// The records so far, as a body has them.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// How many bytes it will take in the log.
    pub(super) fn block_bytes(&self) -> usize {
        HEADER_BYTES + self.body.len()
    }

    /// Appends header and body to `log`, and returns the header and the memory of the body.
    pub(super) fn seal(
        self,
        directory_id: [u8; 16],
        commit: u64,
        previous_checksum: u32,
        log: &mut Vec<u8>,
    ) -> (Header, Vec<u8>) {
        let mut header = Header {
            last_of_commit: false,
            directory_id,
            block: self.block,
            commit,
            previous_checksum,
            records: self.records,
            sequence: self.sequence,
            body_bytes: self.body.len() as u32,
            first: self.first,
            last: self.last,
            checksum: 0,
        };
        let start = log.len();
        log.extend_from_slice(&[0; HEADER_BYTES]);
        log.extend_from_slice(&self.body);
        if let Some(block) = log.get_mut(start..) {
            header.checksum = header.encode(block);
        }
        (header, self.body)
    }
}
