//! The first page of a table: what it holds, and where its sections begin.

use super::super::bytes::Bytes;
use super::super::error::{Error, Result};
use super::filter;
use super::page::{ENTRIES_PER_PAGE, PAGE_BYTES};

const MAGIC: [u8; 4] = *b"RLT1";
const VERSION: u16 = 1;

/// What a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// Where the blocks of a closed log file lie.
    Directory,
    /// A sorted part of the index.
    Run,
}

/// What a table's first page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Header {
    pub(in super::super) kind: Kind,
    pub(in super::super) directory_id: [u8; 16],
    /// The first block of the log that it covers.
    pub(in super::super) first_block: u64,
    /// The last block of the log that it covers.
    pub(in super::super) last_block: u64,
    /// How many entries it has.
    pub(in super::super) entries: u64,
}

impl Header {
    pub(super) fn data_pages(&self) -> u64 {
        self.entries.div_ceil(ENTRIES_PER_PAGE as u64)
    }

    pub(super) fn fence_pages(&self) -> u64 {
        self.data_pages().div_ceil(ENTRIES_PER_PAGE as u64)
    }

    pub(super) fn top_pages(&self) -> u64 {
        self.fence_pages().div_ceil(ENTRIES_PER_PAGE as u64)
    }

    /// The page number at which the fences begin; the header is page 0.
    pub(super) fn first_fence_page(&self) -> u64 {
        1 + self.data_pages()
    }

    pub(super) fn first_top_page(&self) -> u64 {
        self.first_fence_page() + self.fence_pages()
    }

    pub(super) fn filter_offset(&self) -> u64 {
        (self.first_top_page() + self.top_pages()) * PAGE_BYTES as u64
    }

    pub(super) fn filter_blocks(&self) -> u64 {
        match self.kind {
            Kind::Directory => 0,
            Kind::Run => self.entries.div_ceil(filter::KEYS_PER_BLOCK),
        }
    }

    /// The length of the whole file.
    pub(in super::super) fn file_bytes(&self) -> u64 {
        self.filter_offset() + self.filter_blocks() * filter::BLOCK_BYTES as u64
    }

    /// The page, and the seed of all other checksums in the file.
    pub(super) fn encode(&self) -> (Vec<u8>, u32) {
        let mut page = Vec::with_capacity(PAGE_BYTES);
        page.extend_from_slice(&MAGIC);
        page.extend_from_slice(&VERSION.to_le_bytes());
        page.push(match self.kind {
            Kind::Directory => 1,
            Kind::Run => 2,
        });
        page.push(0);
        page.extend_from_slice(&self.directory_id);
        page.extend_from_slice(&self.first_block.to_le_bytes());
        page.extend_from_slice(&self.last_block.to_le_bytes());
        page.extend_from_slice(&self.entries.to_le_bytes());
        page.resize(PAGE_BYTES - 4, 0);
        let checksum = crc32c::crc32c(&page);
        page.extend_from_slice(&checksum.to_le_bytes());
        (page, checksum)
    }

    /// Checks the page and reads it; the checksum is the seed of all others.
    pub(super) fn decode(page: &[u8; PAGE_BYTES], path: &str) -> Result<(Self, u32)> {
        let damaged = |reason: &str| Error::DamagedIndex {
            path: path.to_owned(),
            offset: 0,
            reason: reason.to_owned(),
        };
        let (checked, stated) = page.split_at(PAGE_BYTES - 4);
        let checksum = crc32c::crc32c(checked);
        if Bytes(stated).u32() != Some(checksum) {
            return Err(damaged("the header's checksum does not match"));
        }
        let mut fields = Bytes(checked);
        let mut parse = || {
            if fields.array()? != MAGIC {
                return None;
            }
            let version = fields.u16()?;
            let kind = match fields.u8()? {
                1 => Kind::Directory,
                2 => Kind::Run,
                _ => return None,
            };
            fields.u8()?;
            let directory_id = fields.array()?;
            let (first_block, last_block) = (fields.u64()?, fields.u64()?);
            let entries = fields.u64()?;
            Some((version, Self { kind, directory_id, first_block, last_block, entries }))
        };
        let (version, header) = parse().ok_or_else(|| damaged("it is no table"))?;
        if version > VERSION {
            let path = path.to_owned();
            return Err(Error::NewerFormat { path, version, supported: VERSION });
        }
        Ok((header, checksum))
    }
}
