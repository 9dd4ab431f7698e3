//! One simulated file: what reads see, and what a power cut would leave of it.

use std::collections::BTreeMap;

use super::random::Random;

/// What a disk writes whole, most of the time.
pub(super) const SECTOR_BYTES: usize = 512;

type Sector = [u8; SECTOR_BYTES];

/// A file's content, written and durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    /// What reads see.
    current: Vec<u8>,
    /// The length that is durable.
    durable_length: usize,
    /// For every sector written since the last sync: what was durable of it, then the versions that
    /// were written over it before the current one.
    dirty: BTreeMap<usize, Vec<Sector>>,
    /// For every sector that a failed sync left behind: what is durable of it. Reads see the new
    /// content, and no later sync writes it, just as kernels do.
    forgotten: BTreeMap<usize, Sector>,
}

/// How many older versions of a sector are kept to choose from.
const VERSIONS: usize = 4;

impl Image {
    pub(super) fn length(&self) -> usize {
        self.current.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: usize) -> usize {
        let there = self.current.get(offset..).unwrap_or_default();
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        count
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        for sector in offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES) {
            self.touch(sector);
        }
        if self.current.len() < end {
            self.current.resize(end, 0);
        }
        self.current[offset..end].copy_from_slice(bytes);
    }

    pub(super) fn set_length(&mut self, length: usize) {
        let first = length.min(self.current.len()) / SECTOR_BYTES;
        for sector in first..self.current.len().div_ceil(SECTOR_BYTES) {
            self.touch(sector);
        }
        self.current.resize(length, 0);
    }

    /// Changes what is durable and what reads see, as a failing medium would.
    pub(super) fn flip_bit(&mut self, bit: usize) {
        if let Some(byte) = self.current.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
    }

    pub(super) fn sync(&mut self) {
        self.dirty.clear();
        self.durable_length = self.current.len();
    }

    /// A sync that fails: some sectors reached the disk, the others are forgotten.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        for (sector, versions) in std::mem::take(&mut self.dirty) {
            let durable = versions.first().copied().unwrap_or([0; SECTOR_BYTES]);
            if random.one_in(2) {
                self.forgotten.insert(sector, durable);
            }
        }
        if random.one_in(2) {
            self.durable_length = self.current.len();
        }
    }

    /// Leaves only what a power cut leaves.
    pub(super) fn cut(&mut self, random: &mut Random) {
        let written = self.current.len();
        let longest = written.max(self.durable_length);
        self.current.resize(longest, 0);
        // A cut usually hits a queue that was nearly empty or nearly written, so the odds vary.
        let odds = random.below(5);
        for (sector, versions) in std::mem::take(&mut self.dirty) {
            let current = self.sector(sector);
            let choice = random.below(versions.len() as u64) as usize;
            let older = versions.get(choice).copied().unwrap_or(current);
            let kept = match random.below(16) {
                0 => torn(&older, &current, random),
                _ if random.below(4) < odds => current,
                _ => older,
            };
            self.put(sector, &kept);
        }
        for (sector, durable) in std::mem::take(&mut self.forgotten) {
            self.put(sector, &durable);
        }
        let shortest = written.min(self.durable_length);
        let length = match random.below(3) {
            0 => self.durable_length,
            1 => written,
            _ => shortest + random.below((longest - shortest) as u64 + 1) as usize,
        };
        self.current.truncate(length);
        self.durable_length = length;
    }

    /// Remembers what a sector was, now that it is about to change.
    fn touch(&mut self, sector: usize) {
        let before = self.sector(sector);
        let durable = self.forgotten.remove(&sector);
        let versions = self.dirty.entry(sector).or_insert_with(|| Vec::from_iter(durable));
        if versions.len() < VERSIONS {
            versions.push(before);
        }
    }

    fn sector(&self, sector: usize) -> Sector {
        let mut content = [0; SECTOR_BYTES];
        self.read(&mut content, sector * SECTOR_BYTES);
        content
    }

    fn put(&mut self, sector: usize, content: &Sector) {
        let start = sector * SECTOR_BYTES;
        let end = (start + SECTOR_BYTES).min(self.current.len());
        if start < end {
            self.current[start..end].copy_from_slice(&content[..end - start]);
        }
    }
}

fn torn(older: &Sector, newer: &Sector, random: &mut Random) -> Sector {
    let at = random.below(SECTOR_BYTES as u64) as usize;
    let (first, second) = if random.one_in(2) { (newer, older) } else { (older, newer) };
    let mut content = *second;
    content[..at].copy_from_slice(&first[..at]);
    content
}
