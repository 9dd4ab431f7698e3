//! A file read from front to end through a window, without a read for every block.

use std::sync::Arc;

use super::super::block::{Block, Fault, HEADER_BYTES, Header};
use super::super::error::Result;
use crate::disk::File;

const WINDOW_BYTES: usize = 256 << 10;

/// Some stretch of a file in memory.
#[derive(Debug)]
pub(super) struct Window {
    file: Arc<dyn File>,
    start: u64,
    /// Only the first `filled` bytes are the file's.
    bytes: Vec<u8>,
    filled: usize,
}

impl Window {
    pub(super) fn new(file: Arc<dyn File>) -> Self {
        Self { file, start: 0, bytes: Vec::new(), filled: 0 }
    }

    /// The bytes at `offset`: `length` of them, or fewer where the file ends.
    pub(super) fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8]> {
        let end = self.start + self.filled as u64;
        if offset < self.start || offset + length as u64 > end {
            let left = self.file.length()?.saturating_sub(offset);
            let wanted = length.max(WINDOW_BYTES).min(usize::try_from(left).unwrap_or(usize::MAX));
            if self.bytes.len() < wanted {
                self.bytes = vec![0; wanted];
            }
            self.filled = 0;
            if let Some(window) = self.bytes.get_mut(..wanted) {
                self.filled = self.file.read_at(window, offset)?;
            }
            self.start = offset;
        }
        let window = self.bytes.get(..self.filled).unwrap_or_default();
        let rest = window.get((offset - self.start) as usize..).unwrap_or_default();
        Ok(rest.get(..length).unwrap_or(rest))
    }

    /// The block at `offset`.
    pub(super) fn block(&mut self, offset: u64) -> Result<std::result::Result<Block<'_>, Fault>> {
        let header = match Header::decode(self.bytes(offset, HEADER_BYTES)?) {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(Block::decode(self.bytes(offset, header.block_bytes() as usize)?))
    }
}
