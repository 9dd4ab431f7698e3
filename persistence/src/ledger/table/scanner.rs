//! Reading a whole table in order, a few pages at a time.

use std::sync::Arc;

use super::super::error::Result;
use super::file::Table;
use super::page::{self, ENTRIES_PER_PAGE, PAGE_BYTES};

/// How many pages are read at once: few, so that a step of a merge is a fraction of a millisecond.
const PAGES: u64 = 2;

/// Walks over a table's entries, keeping one stretch of them in memory.
#[derive(Debug)]
pub(in super::super) struct Scanner {
    table: Arc<Table>,
    next_page: u64,
    raw: Vec<u8>,
    entries: Vec<u128>,
    taken: usize,
}

impl Scanner {
    pub(in super::super) fn new(table: Arc<Table>) -> Self {
        Self { table, next_page: 0, raw: Vec::new(), entries: Vec::new(), taken: 0 }
    }

    /// The entries in memory that were not taken yet; empty only at the table's end.
    pub(in super::super) fn stretch(&mut self) -> Result<&[u128]> {
        if self.taken == self.entries.len() {
            self.fill()?;
        }
        Ok(self.entries.get(self.taken..).unwrap_or_default())
    }

    /// Takes the first `count` entries of the stretch.
    pub(in super::super) fn take(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.entries.len());
    }

    fn fill(&mut self) -> Result<()> {
        self.entries.clear();
        self.taken = 0;
        let pages = (self.table.header().data_pages() - self.next_page).min(PAGES);
        if pages == 0 {
            return Ok(());
        }
        self.table.read_data(self.next_page, pages as usize, &mut self.raw)?;
        self.entries.reserve(pages as usize * ENTRIES_PER_PAGE);
        for bytes in self.raw.as_chunks::<PAGE_BYTES>().0 {
            self.next_page += 1;
            let count = page::check(bytes, self.next_page, self.table.seed()).ok_or_else(|| {
                let offset = self.next_page * PAGE_BYTES as u64;
                self.table.damaged(offset, "the page's checksum does not match")
            })?;
            let entries = bytes.as_chunks::<16>().0.iter().take(count);
            self.entries.extend(entries.map(|entry| u128::from_le_bytes(*entry)));
        }
        Ok(())
    }
}
