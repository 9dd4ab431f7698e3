//! The filter of a table: a blocked Bloom filter (Putze, Sanders and Singler, 2007) whose blocks
//! lie in the order of the hashes, so that it can be written while the entries stream past.
//!
//! A block has 60 bytes of bits and their checksum. At 44 keys a block and six bits a key, about
//! one look-up in a hundred of an absent key passes.

use super::super::bytes::Bytes;

/// The length of one block with its checksum.
pub(super) const BLOCK_BYTES: usize = 64;
/// How many keys share one block on average.
pub(super) const KEYS_PER_BLOCK: u64 = 44;

const BITS: u64 = 480;
const CHECKED_BYTES: usize = 60;

/// The block that a hash belongs to.
pub(super) fn block_of(hash: u64, blocks: u64) -> u64 {
    ((u128::from(hash) * u128::from(blocks)) >> 64) as u64
}

/// Sets the bits of a hash.
pub(super) fn insert(block: &mut [u8; BLOCK_BYTES], hash: u64) {
    for bit in bits(hash) {
        if let Some(byte) = block.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
        }
    }
}

/// Whether the hash may have been inserted: `false` is certain. `None` for a damaged block.
pub(super) fn contains(block: &[u8], hash: u64, number: u64, seed: u32) -> Option<bool> {
    let (checked, stated) = block.split_at_checked(CHECKED_BYTES)?;
    if Bytes(stated).u32()? != checksum(checked, number, seed) {
        return None;
    }
    Some(bits(hash).all(|bit| checked.get(bit / 8).is_some_and(|byte| byte & 1 << (bit % 8) != 0)))
}

/// Closes a block with its checksum.
pub(super) fn seal(block: &mut [u8; BLOCK_BYTES], number: u64, seed: u32) {
    let (bits, place) = block.split_at_mut(CHECKED_BYTES);
    place.copy_from_slice(&checksum(bits, number, seed).to_le_bytes());
}

fn checksum(bits: &[u8], number: u64, seed: u32) -> u32 {
    crc32c::crc32c_append(seed ^ number as u32, bits)
}

/// Six bits out of 480. The upper bits of the hash chose the block and are the same for all of its
/// keys, so the rest is spread by a multiplication first (2^64 divided by the golden ratio).
fn bits(hash: u64) -> impl Iterator<Item = usize> {
    let spread = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..6).map(move |probe| ((((spread >> (10 + probe * 9)) & 0x1ff) * BITS) >> 9) as usize)
}
