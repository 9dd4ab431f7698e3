//! A frame: consecutive entries of one sequence as one run of bytes.
//!
//! | offset | bytes | field (little-endian) |
//! | --- | --- | --- |
//! | 0 | 4 | magic `rdFR` |
//! | 4 | 2 | format version |
//! | 6 | 2 | sequence |
//! | 8 | 4 | payload length |
//! | 12 | 4 | count of entries, at least 1 |
//! | 16 | 8 | number of the first entry |
//! | 24 | 16 | digest of the sequence's previous frame |
//! | 40 | | payload |
//! | 40 + payload | 4 | CRC-32C of all bytes before it |

use redeemd_domain::sequence::SequenceId;

use super::chain::ChainDigest;

pub(crate) const MAGIC: [u8; 4] = *b"rdFR";
pub(crate) const VERSION: u16 = 1;
const HEADER_BYTES: usize = 40;
const CHECKSUM_BYTES: usize = 4;

/// Consecutive entries of one sequence. The journal does not look into the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Whose entries they are.
    pub sequence: SequenceId,
    /// The number of the first of them, counted from 1.
    pub first: u64,
    /// How many there are, at least 1.
    pub count: u32,
    /// The entries themselves, in an encoding of the owner's.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// How many bytes are stored around every payload.
    pub const OVERHEAD_BYTES: usize = HEADER_BYTES + CHECKSUM_BYTES;

    /// The number of the last entry, or `None` where there is no such number.
    pub fn last(&self) -> Option<u64> {
        self.first.checked_add(u64::from(self.count.checked_sub(1)?))
    }

    /// How many bytes the frame takes in a block.
    pub fn stored_bytes(&self) -> u64 {
        (Self::OVERHEAD_BYTES + self.payload.len()) as u64
    }

    /// Appends the stored form and returns where in `to` it begins.
    pub(crate) fn encode(&self, previous: ChainDigest, to: &mut Vec<u8>) -> usize {
        let start = to.len();
        to.extend_from_slice(&MAGIC);
        to.extend_from_slice(&VERSION.to_le_bytes());
        to.extend_from_slice(&self.sequence.0.to_le_bytes());
        to.extend_from_slice(&(self.payload.len() as u32).to_le_bytes());
        to.extend_from_slice(&self.count.to_le_bytes());
        to.extend_from_slice(&self.first.to_le_bytes());
        to.extend_from_slice(&previous.0);
        to.extend_from_slice(self.payload);
        let checksum = crc32c::crc32c(&to[start..]);
        to.extend_from_slice(&checksum.to_le_bytes());
        start
    }
}

/// A frame as it was found in a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredFrame<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) previous: ChainDigest,
    /// All of its bytes, the checksum included.
    pub(crate) bytes: &'a [u8],
    pub(crate) intact: bool,
}

impl<'a> StoredFrame<'a> {
    /// Reads the frame at the beginning of `bytes` and returns what follows it; `None` when there
    /// is no frame. Whether its checksum is right is told by [`StoredFrame::intact`].
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        let (magic, header) = header.split_first_chunk::<4>()?;
        let (version, header) = header.split_first_chunk::<2>()?;
        let (sequence, header) = header.split_first_chunk::<2>()?;
        let (length, header) = header.split_first_chunk::<4>()?;
        let (count, header) = header.split_first_chunk::<4>()?;
        let (first, header) = header.split_first_chunk::<8>()?;
        let previous = header.first_chunk::<16>()?;
        if *magic != MAGIC || u16::from_le_bytes(*version) != VERSION {
            return None;
        }
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (stored, rest) = bytes.split_at_checked(length.checked_add(Frame::OVERHEAD_BYTES)?)?;
        let (covered, checksum) = stored.split_last_chunk::<CHECKSUM_BYTES>()?;
        let frame = Frame {
            sequence: SequenceId(u16::from_le_bytes(*sequence)),
            first: u64::from_le_bytes(*first),
            count: u32::from_le_bytes(*count),
            payload: covered.get(HEADER_BYTES..)?,
        };
        let intact = crc32c::crc32c(covered) == u32::from_le_bytes(*checksum);
        let previous = ChainDigest(*previous);
        Some((Self { frame, previous, bytes: stored, intact }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_no_flipped_bit_goes_unnoticed() {
        let frame = Frame { sequence: SequenceId(7), first: 42, count: 3, payload: b"three" };
        let mut bytes = Vec::new();
        assert_eq!(frame.encode(ChainDigest([9; 16]), &mut bytes), 0);
        assert_eq!(bytes.len() as u64, frame.stored_bytes());
        let (stored, rest) = StoredFrame::decode(&bytes).unwrap();
        assert_eq!((stored.frame, stored.previous), (frame, ChainDigest([9; 16])));
        assert!(stored.intact && rest.is_empty());
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(StoredFrame::decode(&flipped).is_none_or(|(stored, _)| !stored.intact));
        }
    }
}
