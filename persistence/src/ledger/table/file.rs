//! Reading a table: the largest entries before a bound.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::super::error::{Error, Result};
use super::filter;
use super::header::Header;
use super::page::{ENTRIES_PER_PAGE, PAGE_BYTES, Page};
use crate::disk::{Disk, File};

/// How much memory the filters may still take.
#[derive(Debug)]
pub(in super::super) struct CacheBudget(AtomicU64);

impl CacheBudget {
    pub(in super::super) fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(bytes)))
    }

    fn take(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// An open table.
#[derive(Debug)]
pub(in super::super) struct Table {
    path: String,
    file: Arc<dyn File>,
    header: Header,
    seed: u32,
    top: Vec<u128>,
    cached_filter: OnceLock<Option<Vec<u8>>>,
    budget: Arc<CacheBudget>,
}

impl Table {
    /// Opens a table and checks its header, its length and its uppermost pages.
    pub(in super::super) fn open(
        disk: &dyn Disk,
        path: &str,
        directory_id: [u8; 16],
        budget: Arc<CacheBudget>,
    ) -> Result<Self> {
        let file = disk.open(path)?;
        let mut page = [0; PAGE_BYTES];
        file.read_at(&mut page, 0)?;
        let (header, seed) = Header::decode(&page, path)?;
        if header.directory_id != directory_id {
            return Err(Error::Foreign { path: path.to_owned() });
        }
        let mut table = Self {
            path: path.to_owned(),
            file,
            header,
            seed,
            top: Vec::new(),
            cached_filter: OnceLock::new(),
            budget,
        };
        if table.file.length()? != header.file_bytes() {
            return Err(table.damaged(0, "its length is not what its header says"));
        }
        for number in header.first_top_page()..header.first_top_page() + header.top_pages() {
            let page = table.page(number)?;
            table.top.extend((0..).map_while(|index| page.entry_within(index)));
        }
        Ok(table)
    }

    pub(in super::super) fn path(&self) -> &str {
        &self.path
    }

    pub(in super::super) fn header(&self) -> &Header {
        &self.header
    }

    /// Whether an entry with this upper half may be there; `false` is certain.
    pub(in super::super) fn may_contain(&self, hash: u64) -> Result<bool> {
        let blocks = self.header.filter_blocks();
        if blocks == 0 {
            return Ok(self.header.entries > 0);
        }
        let number = filter::block_of(hash, blocks);
        let start = number as usize * filter::BLOCK_BYTES;
        let cached = self.cached_filter.get_or_init(|| self.load_filter()).as_ref();
        let answer = match cached.and_then(|bytes| bytes.get(start..start + filter::BLOCK_BYTES)) {
            Some(block) => filter::contains(block, hash, number, self.seed),
            None => {
                let mut block = [0; filter::BLOCK_BYTES];
                self.file.read_at(&mut block, self.header.filter_offset() + start as u64)?;
                filter::contains(&block, hash, number, self.seed)
            }
        };
        let offset = self.header.filter_offset() + start as u64;
        answer.ok_or_else(|| self.damaged(offset, "the filter's checksum does not match"))
    }

    /// The largest entry before `bound`.
    pub(in super::super) fn before(&self, bound: u128) -> Result<Option<u128>> {
        Ok(self.page_before(bound)?.and_then(|(page, count)| page.entry(count - 1)))
    }

    /// Appends to `found` the lower halves of entries with this upper half and a lower half below
    /// `below`, the largest first: at least one where there is one, and at most a page of them.
    pub(in super::super) fn descend(
        &self,
        upper: u64,
        below: u64,
        found: &mut Vec<u64>,
    ) -> Result<()> {
        let bound = u128::from(upper) << 64 | u128::from(below);
        let Some((page, count)) = self.page_before(bound)? else { return Ok(()) };
        let entries = (0..count).rev().map_while(|index| page.entry(index));
        found.extend(
            entries.take_while(|entry| (entry >> 64) as u64 == upper).map(|entry| entry as u64),
        );
        Ok(())
    }

    /// Reads `pages` pages of entries, from the one with index `first`, into `buffer`, unchecked.
    pub(super) fn read_data(&self, first: u64, pages: usize, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.resize(pages * PAGE_BYTES, 0);
        let offset = (1 + first) * PAGE_BYTES as u64;
        if self.file.read_at(buffer, offset)? != buffer.len() {
            return Err(self.damaged(offset, "the file ends too early"));
        }
        Ok(())
    }

    pub(super) fn seed(&self) -> u32 {
        self.seed
    }

    /// Checks every byte, pages, fences and the filter, and visits every entry.
    pub(in super::super) fn verify(&self, mut visit: impl FnMut(u128)) -> Result<()> {
        let mut page = [0; PAGE_BYTES];
        self.file.read_at(&mut page, 0)?;
        if Header::decode(&page, &self.path)? != (self.header, self.seed) {
            return Err(self.damaged(0, "its header has changed"));
        }
        let (mut previous, mut entries) = (None, 0_u64);
        for number in 1..self.header.first_fence_page() {
            let page = self.page(number)?;
            for entry in (0..).map_while(|index| page.entry_within(index)) {
                if previous.is_some_and(|previous| previous >= entry) {
                    return Err(self.damaged(number * PAGE_BYTES as u64, "it is not sorted"));
                }
                visit(entry);
                previous = Some(entry);
                entries += 1;
            }
        }
        if entries != self.header.entries {
            return Err(self.damaged(0, "it has fewer entries than its header says"));
        }
        for number in
            self.header.first_fence_page()..self.header.first_top_page() + self.header.top_pages()
        {
            self.page(number)?;
        }
        for number in 0..self.header.filter_blocks() {
            let offset = self.header.filter_offset() + number * filter::BLOCK_BYTES as u64;
            let mut block = [0; filter::BLOCK_BYTES];
            self.file.read_at(&mut block, offset)?;
            if filter::contains(&block, 0, number, self.seed).is_none() {
                return Err(self.damaged(offset, "the filter's checksum does not match"));
            }
        }
        Ok(())
    }

    pub(super) fn damaged(&self, offset: u64, reason: &str) -> Error {
        Error::DamagedIndex { path: self.path.clone(), offset, reason: reason.to_owned() }
    }

    /// The page with the largest entry before `bound`, and how many of its entries lie before it.
    fn page_before(&self, bound: u128) -> Result<Option<(Page, usize)>> {
        let tops = self.top.partition_point(|first| *first < bound) as u64;
        let Some(fence) = tops.checked_sub(1) else { return Ok(None) };
        let number = self.header.first_fence_page() + fence;
        let fences = self.page(number)?.entries_before(bound) as u64;
        let unsorted = |number: u64| {
            self.damaged(number * PAGE_BYTES as u64, "the fences do not fit the entries")
        };
        let data = fences.checked_sub(1).ok_or_else(|| unsorted(number))?;
        let number = 1 + fence * ENTRIES_PER_PAGE as u64 + data;
        let page = self.page(number)?;
        match page.entries_before(bound) {
            0 => Err(unsorted(number)),
            count => Ok(Some((page, count))),
        }
    }

    fn page(&self, number: u64) -> Result<Page> {
        let mut bytes = [0; PAGE_BYTES];
        let offset = number * PAGE_BYTES as u64;
        self.file.read_at(&mut bytes, offset)?;
        Page::decode(bytes, number, self.seed)
            .ok_or_else(|| self.damaged(offset, "the page's checksum does not match"))
    }

    fn load_filter(&self) -> Option<Vec<u8>> {
        let bytes = self.header.filter_blocks() * filter::BLOCK_BYTES as u64;
        if !self.budget.take(bytes) {
            return None;
        }
        let mut filter = vec![0; bytes as usize];
        // A failed read is met again, and reported, by the look-up that reads the block itself.
        match self.file.read_at(&mut filter, self.header.filter_offset()) {
            Ok(count) if count == filter.len() => Some(filter),
            _ => {
                self.budget.give_back(bytes);
                None
            }
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if let Some(Some(filter)) = self.cached_filter.get() {
            self.budget.give_back(filter.len() as u64);
        }
    }
}
