//! Pages: 255 sorted entries and a trailer with their count, the page's place and a checksum.

use super::super::bytes::Bytes;

/// The length of every page.
pub(super) const PAGE_BYTES: usize = 4096;
/// How many entries fit into one.
pub(super) const ENTRIES_PER_PAGE: usize = 255;

const TRAILER: usize = ENTRIES_PER_PAGE * 16;
const CHECKSUM: usize = PAGE_BYTES - 4;

/// A page that passed its check.
pub(super) struct Page {
    bytes: [u8; PAGE_BYTES],
    count: usize,
}

impl Page {
    /// Checks the page that should be number `number` of the file; `None` where it is not.
    pub(super) fn decode(bytes: [u8; PAGE_BYTES], number: u64, seed: u32) -> Option<Self> {
        let count = check(&bytes, number, seed)?;
        Some(Self { bytes, count })
    }

    /// How many of its entries lie before `bound`.
    pub(super) fn entries_before(&self, bound: u128) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.entry(middle).is_some_and(|entry| entry < bound) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The entry at an index, or `None` past the page's last one.
    pub(super) fn entry_within(&self, index: usize) -> Option<u128> {
        if index < self.count { self.entry(index) } else { None }
    }

    /// The entry at an index.
    pub(super) fn entry(&self, index: usize) -> Option<u128> {
        let bytes = self.bytes.get(..TRAILER)?.as_chunks::<16>().0.get(index)?;
        Some(u128::from_le_bytes(*bytes))
    }
}

/// Checks a page and returns the number of its entries.
pub(super) fn check(bytes: &[u8; PAGE_BYTES], number: u64, seed: u32) -> Option<usize> {
    let (checked, stated) = bytes.split_at_checked(CHECKSUM)?;
    if Bytes(stated).u32()? != crc32c::crc32c_append(seed, checked) {
        return None;
    }
    let mut trailer = Bytes(checked.get(TRAILER..)?);
    let count = usize::from(trailer.u16()?);
    trailer.u16()?;
    (trailer.u64()? == number && (1..=ENTRIES_PER_PAGE).contains(&count)).then_some(count)
}

/// Appends the page with at most [`ENTRIES_PER_PAGE`] entries to `bytes`.
pub(super) fn encode(entries: &[u128], number: u64, seed: u32, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.resize(start + TRAILER, 0);
    let places = bytes.get_mut(start..).unwrap_or_default().as_chunks_mut::<16>().0;
    for (place, entry) in places.iter_mut().zip(entries) {
        *place = entry.to_le_bytes();
    }
    bytes.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&number.to_le_bytes());
    let checksum = crc32c::crc32c_append(seed, bytes.get(start..).unwrap_or_default());
    bytes.extend_from_slice(&checksum.to_le_bytes());
}
