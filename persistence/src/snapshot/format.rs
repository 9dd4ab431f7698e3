//! The bytes around a snapshot's sections.
//!
//! | part | fields (little-endian) |
//! | --- | --- |
//! | header, 44 bytes | magic `rdSN`, version (2), sequence (2), directory id (16), entry number (8), reserved zeros (8), CRC-32C of these (4) |
//! | each section | length (4), CRC-32C of length and bytes (4), bytes |
//! | end, 48 bytes | length `FFFFFFFF` (4), sections (8), SHA-256 over header and sections (32), CRC-32C of these (4) |

use redeemd_domain::sequence::SequenceId;

use crate::journal::DirectoryId;

pub(super) const VERSION: u16 = 1;
pub(super) const HEADER_BYTES: usize = 44;
pub(super) const SECTION_HEADER_BYTES: usize = 8;
pub(super) const END_BYTES: usize = 48;
pub(super) const END_MARK: u32 = u32::MAX;

/// No section is longer; a damaged length asks for no more memory than this.
pub(super) const MAX_SECTION_BYTES: u32 = 1 << 30;

const MAGIC: [u8; 4] = *b"rdSN";

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u16,
    pub(super) sequence: SequenceId,
    pub(super) directory: DirectoryId,
    pub(super) number: u64,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&self.sequence.0.to_le_bytes());
        bytes.extend_from_slice(&self.directory.0);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (fields, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(fields) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let (magic, rest) = fields.split_first_chunk::<4>()?;
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let (sequence, rest) = rest.split_first_chunk::<2>()?;
        let (directory, rest) = rest.split_first_chunk::<16>()?;
        let number = rest.first_chunk::<8>()?;
        (*magic == MAGIC).then_some(Self {
            version: u16::from_le_bytes(*version),
            sequence: SequenceId(u16::from_le_bytes(*sequence)),
            directory: DirectoryId(*directory),
            number: u64::from_le_bytes(*number),
        })
    }
}

/// The checksum of a section: over its length, too, so that a wrong length is no long read.
pub(super) fn section_checksum(length: u32, section: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), section)
}

/// What stands at the end.
pub(super) fn encode_end(sections: u64, digest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(END_BYTES);
    bytes.extend_from_slice(&END_MARK.to_le_bytes());
    bytes.extend_from_slice(&sections.to_le_bytes());
    bytes.extend_from_slice(digest);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}
