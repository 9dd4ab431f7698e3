//! The segment engine: blocks one after the other in preallocated files of our own.
//!
//! A segment is a file `journal/0000000001.segment` of a fixed size that was filled with zeros and
//! synced before its first use: a sync then writes no metadata, which makes it about twice as fast
//! as appending. It begins with an anchor; every block begins at a multiple of 4,096 bytes, and
//! behind the last one there are zeros. Files are deleted oldest first, one durable deletion after
//! the other, so that what remains has no gap.

mod housekeeping;
mod name;
mod pace;
mod reader;
mod recovery;
mod salvage;
mod scan;
mod tail;

pub(crate) use recovery::open;
pub(crate) use salvage::{inspect, later_blocks};

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use self::housekeeping::{Housekeeping, NotPrepared};
use self::reader::SegmentReader;
use super::Reader;
use super::block::{self, Block, Builder};
use super::chain::Chains;
use super::error::{AppendError, Error, Refusal};
use super::options::Preparation;
use super::space::Space;
use super::spans::{Span, Spans};
use super::store::Store;
use crate::disk::{self, Disk, File};

/// No block is larger, however large the segments are.
const LARGEST_BLOCK_BYTES: u64 = 16 << 20;
/// Room for the anchor of so many sequences is kept in every segment.
const ANCHORED_SEQUENCES: usize = 512;

/// What all parts of the engine work with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) space: Space,
    pub(crate) segment_bytes: u64,
    pub(crate) preparation: Preparation,
}

/// The segment that is being written.
#[derive(Debug)]
struct Current {
    file: Arc<dyn File>,
    length: u64,
    /// Where the next block goes.
    offset: u64,
}

pub(crate) struct SegmentStore {
    settings: Settings,
    spans: Spans,
    current: Current,
    housekeeping: Housekeeping,
    anchor: Builder,
}

impl SegmentStore {
    /// Goes on in the next segment, with the block of this number.
    fn begin_segment(&mut self, number: u64, before: &Chains) -> Result<(), AppendError> {
        let (index, file) = self.housekeeping.take_prepared().map_err(|reason| match reason {
            NotPrepared::NoSpace(refusal) => AppendError::NotAppended(refusal),
            NotPrepared::Failed(error) => AppendError::Unknown(error.into()),
        })?;
        let length = self.settings.segment_bytes;
        let anchor = self.anchor.anchor(before, number);
        let offset = anchor.padded().len() as u64;
        write_durably(&*file, anchor.padded(), 0)?;
        self.current = Current { file, length, offset };
        self.spans.push(Span {
            id: index,
            first_block: number,
            before: before.clone(),
            bytes: length,
        });
        self.housekeeping.start_preparing();
        Ok(())
    }
}

impl SegmentStore {
    /// Sees to it that the block fits into the current segment.
    fn make_room(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError> {
        let bytes = block.padded().len() as u64;
        if self.current.offset + bytes <= self.current.length {
            return Ok(());
        }
        let anchor = block::padded(block::anchor_length(before.tails().len())) as u64;
        let (needed, limit) = (anchor + bytes, self.settings.segment_bytes);
        if needed > limit {
            let refusal = Refusal::TooLarge { bytes: needed, limit };
            return Err(AppendError::NotAppended(refusal));
        }
        self.begin_segment(block.number, before)
    }
}

fn write_durably(file: &dyn File, bytes: &[u8], offset: u64) -> Result<(), AppendError> {
    file.write_at(bytes, offset)
        .and_then(|()| file.sync_data())
        .map_err(|error| AppendError::Unknown(error.into()))
}

impl Store for SegmentStore {
    fn largest_block(&self) -> usize {
        let anchor = block::padded(block::anchor_length(ANCHORED_SEQUENCES)) as u64;
        let room = self.settings.segment_bytes.saturating_sub(anchor);
        room.min(LARGEST_BLOCK_BYTES) as usize
    }

    fn write(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError> {
        self.make_room(block, before)?;
        write_durably(&*self.current.file, block.padded(), self.current.offset)?;
        self.current.offset += block.padded().len() as u64;
        self.housekeeping.filled_to(self.current.offset);
        Ok(())
    }

    fn write_later(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError> {
        let file = Arc::clone(&self.current.file);
        self.make_room(block, before)?;
        let unknown = |error: disk::Error| AppendError::Unknown(error.into());
        if !Arc::ptr_eq(&file, &self.current.file) {
            file.sync_data().map_err(unknown)?;
        }
        self.current.file.write_at(block.padded(), self.current.offset).map_err(unknown)?;
        self.current.offset += block.padded().len() as u64;
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Error> {
        Ok(self.current.file.sync_data()?)
    }

    fn release(&mut self, released: &[(SequenceId, u64)]) -> Result<(), Error> {
        self.spans.note_released(released);
        let indices = self.spans.take_released().into_iter().map(|span| span.id);
        Ok(self.housekeeping.remove(indices)?)
    }

    fn prepare(&mut self) -> Result<(), Error> {
        Ok(self.housekeeping.prepare()?)
    }

    fn stored_bytes(&self) -> u64 {
        self.spans.bytes()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(SegmentReader::new(&self.settings, &self.spans, self.current.offset)))
    }
}
