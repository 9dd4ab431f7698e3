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

mod header;
mod open;
mod records;

pub(super) use header::{Fault, Header};
pub(super) use open::OpenBlock;
pub(super) use records::Records;

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
