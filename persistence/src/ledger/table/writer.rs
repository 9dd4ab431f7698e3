//! Writing a table in one pass: entries, fences and filter stream into their sections.

use super::super::error::Result;
use super::filter;
use super::header::Header;
use super::page::{self, ENTRIES_PER_PAGE, PAGE_BYTES};
use crate::disk::{Courtesy, Disk, PIECE_BYTES, Portions};

/// How many bytes of a section gather before they are written.
const BUFFER_BYTES: usize = PIECE_BYTES;

/// A table that is being written.
#[derive(Debug)]
pub(in super::super) struct TableWriter {
    file: Portions,
    header: Header,
    written: u64,
    data: Pages,
    fences: Pages,
    top: Pages,
    filter: FilterWriter,
}

impl TableWriter {
    /// Begins a table with exactly `header.entries` entries in a file that must not exist.
    pub(in super::super) fn create(
        disk: &dyn Disk,
        path: &str,
        header: Header,
        courtesy: &Courtesy,
    ) -> Result<Self> {
        let mut file = Portions::new(disk.create(path)?, courtesy.clone());
        let (page, seed) = header.encode();
        file.write_at(&page, 0)?;
        Ok(Self {
            file,
            header,
            written: 0,
            data: Pages::new(1, seed),
            fences: Pages::new(header.first_fence_page(), seed),
            top: Pages::new(header.first_top_page(), seed),
            filter: FilterWriter::new(header.filter_offset(), header.filter_blocks(), seed),
        })
    }

    /// Adds entries, which must lie above all before them.
    pub(in super::super) fn extend(&mut self, entries: &[u128]) -> Result<()> {
        self.written += entries.len() as u64;
        if self.filter.blocks > 0 {
            for entry in entries {
                self.filter.insert((entry >> 64) as u64, &mut self.file)?;
            }
        }
        let mut rest = entries;
        while !rest.is_empty() {
            let count = rest.len().min(self.data.room());
            let (now, later) = rest.split_at(count);
            rest = later;
            if self.data.extend(now, &mut self.file)? {
                let first = self.data.first;
                if self.fences.extend(&[first], &mut self.file)? {
                    let first = self.fences.first;
                    self.top.extend(&[first], &mut self.file)?;
                }
            }
        }
        Ok(())
    }

    /// How many entries it has so far.
    pub(in super::super) fn written(&self) -> u64 {
        self.written
    }

    /// Writes what is left and makes the file durable under the name that it was made with.
    pub(in super::super) fn finish(mut self) -> Result<()> {
        debug_assert_eq!(self.written, self.header.entries, "the header promised so many entries");
        if self.data.close(&mut self.file)? {
            let first = self.data.first;
            if self.fences.extend(&[first], &mut self.file)? {
                let first = self.fences.first;
                self.top.extend(&[first], &mut self.file)?;
            }
        }
        if self.fences.close(&mut self.file)? {
            let first = self.fences.first;
            self.top.extend(&[first], &mut self.file)?;
        }
        self.top.close(&mut self.file)?;
        for pages in [&mut self.data, &mut self.fences, &mut self.top] {
            pages.write(&mut self.file)?;
        }
        self.filter.finish(&mut self.file)?;
        Ok(self.file.sync()?)
    }
}

/// One section of pages.
#[derive(Debug)]
struct Pages {
    /// The number of the next page of this section.
    number: u64,
    seed: u32,
    entries: Vec<u128>,
    /// The first entry of the page that was closed last.
    first: u128,
    buffer: Vec<u8>,
}

impl Pages {
    fn new(number: u64, seed: u32) -> Self {
        Self {
            number,
            seed,
            entries: Vec::with_capacity(ENTRIES_PER_PAGE),
            first: 0,
            buffer: Vec::new(),
        }
    }

    fn room(&self) -> usize {
        ENTRIES_PER_PAGE - self.entries.len()
    }

    /// Adds entries, as many as there is room for; whether that closed a page.
    fn extend(&mut self, entries: &[u128], file: &mut Portions) -> Result<bool> {
        self.entries.extend_from_slice(entries);
        if self.room() > 0 { Ok(false) } else { self.close(file) }
    }

    /// Closes the page, unless it is empty; whether it was closed.
    fn close(&mut self, file: &mut Portions) -> Result<bool> {
        let Some(first) = self.entries.first() else { return Ok(false) };
        self.first = *first;
        page::encode(&self.entries, self.number, self.seed, &mut self.buffer);
        self.entries.clear();
        self.number += 1;
        if self.buffer.len() >= BUFFER_BYTES {
            self.write(file)?;
        }
        Ok(true)
    }

    fn write(&mut self, file: &mut Portions) -> Result<()> {
        let start = self.number * PAGE_BYTES as u64 - self.buffer.len() as u64;
        if !self.buffer.is_empty() {
            file.write_at(&self.buffer, start)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// The filter's section: the hashes come in order, and so do its blocks.
#[derive(Debug)]
struct FilterWriter {
    offset: u64,
    blocks: u64,
    seed: u32,
    number: u64,
    block: [u8; filter::BLOCK_BYTES],
    buffer: Vec<u8>,
}

impl FilterWriter {
    fn new(offset: u64, blocks: u64, seed: u32) -> Self {
        let block = [0; filter::BLOCK_BYTES];
        Self { offset, blocks, seed, number: 0, block, buffer: Vec::new() }
    }

    fn insert(&mut self, hash: u64, file: &mut Portions) -> Result<()> {
        let number = filter::block_of(hash, self.blocks);
        while self.number < number {
            self.close(file)?;
        }
        filter::insert(&mut self.block, hash);
        Ok(())
    }

    fn close(&mut self, file: &mut Portions) -> Result<()> {
        filter::seal(&mut self.block, self.number, self.seed);
        self.buffer.extend_from_slice(&self.block);
        self.block = [0; filter::BLOCK_BYTES];
        self.number += 1;
        if self.buffer.len() >= BUFFER_BYTES { self.write(file) } else { Ok(()) }
    }

    fn finish(&mut self, file: &mut Portions) -> Result<()> {
        while self.number < self.blocks {
            self.close(file)?;
        }
        self.write(file)
    }

    fn write(&mut self, file: &mut Portions) -> Result<()> {
        let end = self.offset + self.number * filter::BLOCK_BYTES as u64;
        if !self.buffer.is_empty() {
            file.write_at(&self.buffer, end - self.buffer.len() as u64)?;
            self.buffer.clear();
        }
        Ok(())
    }
}
