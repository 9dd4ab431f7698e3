//! The log as its readers see it: everything appended, wherever it is at the moment.
//!
//! A record is first in the open block, then in the tail (blocks that await their commit), then in
//! the file being written, at last in a closed file. One lock guards what changes among these; no
//! disk is read or written by a reader who holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redeemd_domain::sequence::{Position, SequenceId};

use super::super::block::{Block, OpenBlock, Records};
use super::super::error::{Error, Result};
use super::directory::{Directory, Extent};
use super::handles::{ClosedFile, Handles};
use super::records_path;
use crate::disk::{Disk, File};

/// The log, shared between its writer and its readers.
#[derive(Debug)]
pub(in super::super) struct Log {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) directory_id: [u8; 16],
    pub(super) handles: Handles,
    view: RwLock<View>,
}

/// What changes as the log grows.
#[derive(Debug)]
pub(super) struct View {
    /// The first block of each file, the one being written included.
    pub(super) first_blocks: Vec<u64>,
    /// For each sequence: the last number before a file, and the file, where files differ in it.
    pub(super) starts: BTreeMap<u16, Vec<(u64, u32)>>,
    pub(super) active: Active,
    /// Sealed blocks that are not known to be written; they follow the written ones.
    pub(super) tail: Vec<u8>,
    pub(super) open: Option<OpenBlock>,
    /// The last number of each sequence, and the last durable one.
    pub(super) covered: BTreeMap<u16, u64>,
    pub(super) durable: BTreeMap<u16, u64>,
}

/// The file that is being written.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) file: u32,
    pub(super) records: Arc<dyn File>,
    pub(super) directory: Directory,
    pub(super) first_block: u64,
    pub(super) written: u64,
}

/// A copy of a checked block.
#[derive(Debug)]
pub(in super::super) struct OwnedBlock {
    bytes: Vec<u8>,
    sequence: SequenceId,
    block: u64,
    /// The first number that it covers.
    pub(in super::super) first: u64,
    /// The last number that it covers.
    pub(in super::super) last: u64,
    body_start: usize,
}

impl OwnedBlock {
    /// Its records in order.
    pub(in super::super) fn records(&self) -> Records<'_> {
        let body = self.bytes.get(self.body_start..).unwrap_or_default();
        Records::new(self.sequence, self.block, self.first, body)
    }
}

/// Where a block was found while the lock was held.
enum Place {
    Copied(OwnedBlock),
    Active(Arc<dyn File>, u32, Extent),
    Tail(Vec<u8>, u32, Extent),
    Closed(u32),
}

impl Log {
    pub(super) fn new(disk: Arc<dyn Disk>, directory_id: [u8; 16], view: View) -> Arc<Self> {
        let handles = Handles::default();
        Arc::new(Self { disk, directory_id, handles, view: RwLock::new(view) })
    }

    /// The last number of a sequence that was appended, or zero.
    pub(in super::super) fn appended(&self, sequence: SequenceId) -> u64 {
        self.view().covered.get(&sequence.0).copied().unwrap_or(0)
    }

    /// The last number of a sequence that is durable, or zero.
    pub(in super::super) fn durable(&self, sequence: SequenceId) -> u64 {
        self.view().durable.get(&sequence.0).copied().unwrap_or(0)
    }

    /// The sequences that have anything, in order.
    pub(in super::super) fn sequences(&self) -> Vec<SequenceId> {
        self.view().covered.keys().map(|sequence| SequenceId(*sequence)).collect()
    }

    /// The block that covers a position, or `None` where nothing was appended for it yet.
    pub(in super::super) fn block_at(&self, position: Position) -> Result<Option<OwnedBlock>> {
        let place = {
            let view = self.view();
            let covered = view.covered.get(&position.sequence.0).copied().unwrap_or(0);
            if position.number == 0 || position.number > covered {
                return Ok(None);
            }
            let open = view.open.as_ref();
            match open
                .filter(|open| open.sequence == position.sequence && open.first <= position.number)
            {
                Some(open) => Place::Copied(open.into()),
                None => match view.active.directory.by_position(position) {
                    Some(extent) => view.place(extent),
                    None => view.closed_by_position(position)?,
                },
            }
        };
        let find = |closed: &ClosedFile| closed.directory.by_position(position);
        let block = self.fetch(place, find)?;
        Ok(block.filter(|block| block.sequence == position.sequence))
    }

    /// The block with a running number, or `None` where there is none yet.
    pub(in super::super) fn block(&self, block: u64) -> Result<Option<OwnedBlock>> {
        let place = {
            let view = self.view();
            match view.open.as_ref().filter(|open| open.block == block) {
                Some(open) => Place::Copied(open.into()),
                None if block >= view.active.first_block => {
                    match view.active.directory.by_index(block - view.active.first_block) {
                        Some(extent) => view.place(extent),
                        None => return Ok(None),
                    }
                }
                None => match view.file_of(block) {
                    Some(file) => Place::Closed(file),
                    None => return Ok(None),
                },
            }
        };
        self.fetch(place, |closed| closed.directory.by_block(block))
    }

    /// Where the block that covers a position begins: its file, and the place in the file. `None`
    /// where nothing was appended for it yet.
    pub(super) fn begin_of(&self, position: Position) -> Result<Option<(u32, u64)>> {
        let file = {
            let view = self.view();
            let covered = view.covered.get(&position.sequence.0).copied().unwrap_or(0);
            if position.number == 0 || position.number > covered {
                return Ok(None);
            }
            let is_open = view.open.as_ref().is_some_and(|open| {
                open.sequence == position.sequence && open.first <= position.number
            });
            if is_open {
                return Ok(Some((view.active.file, view.end())));
            }
            if let Some(extent) = view.active.directory.by_position(position) {
                return Ok(Some((view.active.file, extent.offset.into())));
            }
            let Place::Closed(file) = view.closed_by_position(position)? else { return Ok(None) };
            file
        };
        let closed = self.handles.get(&*self.disk, self.directory_id, file)?;
        Ok(closed.directory.by_position(position)?.map(|extent| (file, extent.offset.into())))
    }

    pub(super) fn view(&self) -> RwLockReadGuard<'_, View> {
        // A panic elsewhere cannot leave the view half changed in a way that a reader could not
        // bear: blocks are checked when they are read.
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch(
        &self,
        place: Place,
        find: impl Fn(&ClosedFile) -> Result<Option<Extent>>,
    ) -> Result<Option<OwnedBlock>> {
        match place {
            Place::Copied(block) => Ok(Some(block)),
            Place::Tail(bytes, file, extent) => decode(bytes, file, extent).map(Some),
            Place::Active(records, file, extent) => read(&*records, file, extent).map(Some),
            Place::Closed(file) => {
                let closed = self.handles.get(&*self.disk, self.directory_id, file)?;
                match find(&closed)? {
                    Some(extent) => read(&*closed.records, file, extent).map(Some),
                    None => Ok(None),
                }
            }
        }
    }
}

impl View {
    /// Where the file being written ends, once everything that is sealed is in it.
    pub(super) fn end(&self) -> u64 {
        self.active.written + self.tail.len() as u64
    }

    /// The closed file that holds a block.
    pub(super) fn file_of(&self, block: u64) -> Option<u32> {
        let after = self.first_blocks.partition_point(|first| *first <= block);
        u32::try_from(after).ok().filter(|file| *file > 0)
    }

    /// Notes where the sequences stand before a file.
    pub(super) fn begin_file(&mut self, file: u32, first_block: u64, covered: &BTreeMap<u16, u64>) {
        self.first_blocks.push(first_block);
        for (sequence, covered) in covered {
            let starts = self.starts.entry(*sequence).or_default();
            if starts.last().is_none_or(|(before, _)| before < covered) {
                starts.push((*covered, file));
            }
        }
    }

    fn place(&self, extent: Extent) -> Place {
        let active = &self.active;
        match u64::from(extent.offset).checked_sub(active.written) {
            None => Place::Active(Arc::clone(&active.records), active.file, extent),
            Some(start) => {
                let range = start as usize..start as usize + extent.length as usize;
                let bytes = self.tail.get(range).unwrap_or_default().to_vec();
                Place::Tail(bytes, active.file, extent)
            }
        }
    }

    /// The closed file in which a position's block begins. A mark (number, file) says that the
    /// sequence had got to the number before the file, and to less before the file before it.
    fn closed_by_position(&self, position: Position) -> Result<Place> {
        let starts = self.starts.get(&position.sequence.0).map(Vec::as_slice).unwrap_or_default();
        let after = starts.partition_point(|(before, _)| *before < position.number);
        // The first mark at or above the number was made by the file after the one sought; with no
        // such mark the position would lie in the active file, whose directory did not know it.
        match starts.get(after) {
            Some((_, file)) => Ok(Place::Closed(file - 1)),
            None => Err(Error::DamagedLog {
                path: records_path(self.active.file),
                offset: 0,
                reason: format!("{position} is in no file"),
            }),
        }
    }
}

impl From<&OpenBlock> for OwnedBlock {
    fn from(open: &OpenBlock) -> Self {
        Self {
            bytes: open.body().to_vec(),
            sequence: open.sequence,
            block: open.block,
            first: open.first,
            last: open.last,
            body_start: 0,
        }
    }
}

fn read(records: &dyn File, file: u32, extent: Extent) -> Result<OwnedBlock> {
    let mut bytes = vec![0; extent.length as usize];
    let count = records.read_at(&mut bytes, u64::from(extent.offset))?;
    bytes.truncate(count);
    decode(bytes, file, extent)
}

fn decode(bytes: Vec<u8>, file: u32, extent: Extent) -> Result<OwnedBlock> {
    let header =
        Block::decode(&bytes).map(|block| block.header).map_err(|fault| Error::DamagedLog {
            path: records_path(file),
            offset: u64::from(extent.offset),
            reason: fault.reason().to_owned(),
        })?;
    Ok(OwnedBlock {
        bytes,
        sequence: header.sequence,
        block: header.block,
        first: header.first,
        last: header.last,
        body_start: super::super::block::HEADER_BYTES,
    })
}
