//! The sled engine: blocks as values of a sled database, in the one way that is safe.
//!
//! sled 0.34 by itself does not make anything durable: on Linux its `flush` ends in
//! `sync_file_range`, which neither writes metadata nor flushes a disk's cache (its issues 1351 and
//! 1452), and large nodes go to files under `blobs/` that it never syncs. Therefore: one writer, no
//! flushing thread, values of at most 6 KiB, and after `flush` our own sync of its file, before
//! anything is acknowledged. A file under `blobs/` stops the journal. Whatever sled panics over
//! becomes an error.
//!
//! Keys are a letter, a block number and the number of a piece, big-endian; `b` for the pieces of a
//! block, `a` for those of an anchor. The highest intact anchor counts.

mod database;
mod key;
mod reader;
mod recovery;
mod salvage;

pub(crate) use database::wait_until_closed;
pub(crate) use recovery::open;
pub(crate) use salvage::{inspect, later_blocks};

use redeemd_domain::sequence::SequenceId;

use self::database::Database;
use self::key::Kind;
use self::reader::SledReader;
use super::Reader;
use super::block::{Block, Builder};
use super::chain::Chains;
use super::error::{AppendError, Error};
use super::spans::{Span, Spans};
use super::store::Store;

/// Where the database belongs, relative to the data directory.
pub(crate) const FOLDER: &str = "journal/sled";

const LARGEST_BLOCK_BYTES: usize = 16 << 20;
/// Blocks are deleted in portions of about this many bytes.
const SPAN_BYTES: u64 = if cfg!(test) { 16 << 10 } else { 4 << 20 };

pub(crate) struct SledStore {
    database: Database,
    spans: Spans,
    next_block: u64,
    /// The chains before the first block, for a journal that has none yet.
    beginning: Chains,
}

impl SledStore {
    /// Counts a block that is stored into the spans.
    fn note(spans: &mut Spans, number: u64, bytes: u64, before: &Chains) {
        match spans.newest_mut().filter(|span| span.bytes < SPAN_BYTES) {
            Some(span) => span.bytes += bytes,
            None => {
                let before = before.clone();
                spans.push(Span { id: number, first_block: number, before, bytes });
            }
        }
    }
}

impl Store for SledStore {
    fn largest_block(&self) -> usize {
        LARGEST_BLOCK_BYTES
    }

    fn write(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError> {
        self.database
            .put(Kind::Block, block.number, block.bytes())
            .and_then(|()| self.database.make_durable())
            .map_err(AppendError::Unknown)?;
        Self::note(&mut self.spans, block.number, block.bytes().len() as u64, before);
        self.next_block = block.number + 1;
        Ok(())
    }

    fn write_later(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError> {
        self.database
            .put(Kind::Block, block.number, block.bytes())
            .map_err(AppendError::Unknown)?;
        Self::note(&mut self.spans, block.number, block.bytes().len() as u64, before);
        self.next_block = block.number + 1;
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Error> {
        self.database.make_durable()
    }

    fn release(&mut self, released: &[(SequenceId, u64)]) -> Result<(), Error> {
        self.spans.note_released(released);
        if self.spans.take_released().is_empty() {
            return Ok(());
        }
        let Some(first) = self.spans.iter().next() else {
            return Ok(());
        };
        let mut builder = Builder::default();
        let anchor = builder.anchor(&first.before, first.first_block);
        self.database.put(Kind::Anchor, anchor.number, anchor.bytes())?;
        self.database.make_durable()?;
        // What is deleted from here on may come back after a power cut; the anchor says that it
        // does not count, and the next open deletes it again.
        self.database.remove_before(Kind::Block, first.first_block)?;
        self.database.remove_before(Kind::Anchor, first.first_block)
    }

    fn prepare(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn stored_bytes(&self) -> u64 {
        self.database.stored_bytes()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        let (database, spans) = (self.database.clone(), self.spans.clone());
        Ok(Box::new(SledReader::new(database, spans, self.next_block, self.beginning.clone())))
    }
}
