//! The header of a block, and why some bytes are none.

use redeemd_domain::sequence::SequenceId;

use super::{HEADER_BYTES, MAGIC, MAXIMUM_BODY_BYTES, MAXIMUM_RECORDS};
use crate::ledger::bytes::Bytes;

const VERSION: u16 = 1;
const LAST_OF_COMMIT: u16 = 1;

/// What a block's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) struct Header {
    pub(in crate::ledger) last_of_commit: bool,
    pub(in crate::ledger) directory_id: [u8; 16],
    pub(in crate::ledger) block: u64,
    pub(in crate::ledger) commit: u64,
    pub(in crate::ledger) previous_checksum: u32,
    pub(in crate::ledger) records: u32,
    pub(in crate::ledger) sequence: SequenceId,
    pub(in crate::ledger) body_bytes: u32,
    pub(in crate::ledger) first: u64,
    pub(in crate::ledger) last: u64,
    pub(in crate::ledger) checksum: u32,
}

/// Why some bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) enum Fault {
    Truncated,
    Magic,
    HeaderChecksum,
    Version(u16),
    Length,
    Checksum,
}

impl Fault {
    pub(in crate::ledger) fn reason(self) -> &'static str {
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
    pub(in crate::ledger) fn block_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }

    /// Reads and checks a header alone.
    pub(in crate::ledger) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
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
    pub(in crate::ledger) fn encode(&self, block: &mut [u8]) -> u32 {
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
