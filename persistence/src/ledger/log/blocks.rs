//! Walking over the log's blocks in order, through all of its files.

use std::sync::Arc;

use super::super::block::Block;
use super::super::error::{Error, Result};
use super::records_path;
use super::view::Log;
use super::window::Window;
use crate::disk::File;

/// A walk over committed blocks. Each is checked; their chain is for the caller to follow.
#[derive(Debug)]
pub(in super::super) struct Blocks {
    log: Arc<Log>,
    next_block: u64,
    last_block: u64,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: u32,
    end: u64,
    offset: u64,
    window: Window,
}

impl Blocks {
    /// The walk from block `first` to block `last`, which must be committed.
    pub(in super::super) fn new(log: Arc<Log>, first: u64, last: u64) -> Self {
        Self { log, next_block: first, last_block: last, current: None }
    }

    /// The next block, or `None` after the last.
    pub(in super::super) fn next(&mut self) -> Result<Option<Block<'_>>> {
        if self.next_block > self.last_block {
            return Ok(None);
        }
        if self.current.as_ref().is_none_or(|current| current.offset >= current.end) {
            self.current = Some(self.seek()?);
        }
        let missing = |file, offset, reason: &str| Error::DamagedLog {
            path: records_path(file),
            offset,
            reason: format!("block {}: {reason}", self.next_block),
        };
        let Some(current) = &mut self.current else { return Ok(None) };
        let (file, offset) = (current.file, current.offset);
        let block = match current.window.block(offset)? {
            Ok(block) => block,
            Err(fault) => return Err(missing(file, offset, fault.reason())),
        };
        if block.header.block != self.next_block {
            return Err(missing(file, offset, "another block stands in its place"));
        }
        current.offset += block.header.block_bytes();
        self.next_block += 1;
        Ok(Some(block))
    }

    /// The file and place of the next block.
    fn seek(&self) -> Result<Current> {
        let (file, active) = {
            let view = self.log.view();
            let file = view.file_of(self.next_block).unwrap_or(1);
            let active = (file == view.active.file).then(|| {
                let index = self.next_block - view.active.first_block;
                let extent = view.active.directory.by_index(index);
                (Arc::clone(&view.active.records), extent, view.active.written)
            });
            (file, active)
        };
        let (records, extent, end): (Arc<dyn File>, _, _) = match active {
            Some(active) => active,
            None => {
                let closed = self.log.handles.get(&*self.log.disk, self.log.directory_id, file)?;
                let length = closed.records.length()?;
                (Arc::clone(&closed.records), closed.directory.by_block(self.next_block)?, length)
            }
        };
        let extent = extent.ok_or_else(|| Error::DamagedLog {
            path: records_path(file),
            offset: 0,
            reason: format!("block {} is in no file", self.next_block),
        })?;
        let offset = u64::from(extent.offset);
        Ok(Current { file, end, offset, window: Window::new(records) })
    }
}
