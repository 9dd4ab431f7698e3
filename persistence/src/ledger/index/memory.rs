//! The newest entries of the index, in memory: 256 vectors by the first byte of the hash.
//!
//! Adding an entry is a push; a look-up reads one vector from end to end, a few kilobytes; writing
//! a run sorts each vector by itself, within the processor's cache.

const BUCKETS: usize = 256;

/// Entries that are in no run yet.
#[derive(Debug)]
pub(super) struct Memory {
    buckets: Vec<Vec<u128>>,
    entries: usize,
}

impl Memory {
    /// Empty, with memory for about `entries` of them.
    pub(super) fn new(entries: usize) -> Self {
        // Hashes spread like balls in bins; an eighth more makes a bucket grow rarely.
        let each = entries / BUCKETS + entries / BUCKETS / 8;
        let buckets = (0..BUCKETS).map(|_| Vec::with_capacity(each)).collect();
        Self { buckets, entries: 0 }
    }

    /// Adds an entry: the hash above the locator.
    pub(super) fn insert(&mut self, entry: u128) {
        if let Some(bucket) = self.buckets.get_mut((entry >> 120) as usize) {
            bucket.push(entry);
            self.entries += 1;
        }
    }

    /// How many entries it has.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Appends the locators of a hash that lie below `below` to `found`, the largest first.
    pub(super) fn descend(&self, hash: u64, below: u64, found: &mut Vec<u64>) {
        let Some(bucket) = self.buckets.get((hash >> 56) as usize) else { return };
        let start = found.len();
        let matching = bucket.iter().filter(|entry| (**entry >> 64) as u64 == hash);
        found.extend(matching.map(|entry| *entry as u64).filter(|locator| *locator < below));
        // The bucket is in the order of appending until it is sorted, and both end up here.
        if let Some(found) = found.get_mut(start..) {
            found.sort_unstable_by(|one, other| other.cmp(one));
        }
    }

    /// Sorts one vector; the vectors one after the other are then all entries in order.
    pub(super) fn sort(&mut self, bucket: usize) {
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.sort_unstable();
        }
    }

    /// The vectors, in the order of their hashes.
    pub(super) fn buckets(&self) -> &[Vec<u128>] {
        &self.buckets
    }

    /// Forgets everything, and gives back memory that one uneven batch has claimed.
    pub(super) fn clear(&mut self) {
        let usual = 2 * (self.entries / BUCKETS + 1);
        for bucket in &mut self.buckets {
            bucket.clear();
            bucket.shrink_to(usual);
        }
        self.entries = 0;
    }
}
