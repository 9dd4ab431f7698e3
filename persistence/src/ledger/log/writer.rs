//! Writing the log: blocks gather in memory, a commit writes them and makes them durable.

use std::sync::Arc;

use redeemd_domain::sequence::{Position, SequenceId};

use super::super::batch::Encoded;
use super::super::block::{Header, OpenBlock};
use super::super::error::{Error, Result};
use super::super::locator::Locator;
use super::super::room;
use super::super::settings::Settings;
use super::cut::fine_if_missing;
use super::directory::Directory;
use super::file_header::{FileHeader, LogState};
use super::view::{Active, Log, View};
use super::{FOLDER, records_path};
use crate::disk::{Courtesy, Disk, File, write_in_pieces};

/// A file is closed at this many blocks, so that its directory in memory stays below 2 MiB.
const MAXIMUM_FILE_BLOCKS: usize = 1 << 16;
/// Offsets within a file have 32 bits; a commit may go beyond the length at which a file closes.
const MAXIMUM_FILE_BYTES: u64 = 2 << 30;

/// What a block takes in the directory of its file, at the most: two entries, their shares of the
/// fences and of the filter.
const DIRECTORY_BYTES: u64 = 48;

/// The one writer of the log.
#[derive(Debug)]
pub(in super::super) struct LogWriter {
    log: Arc<Log>,
    state: LogState,
    hash_key: [u8; 16],
    file_bytes: u64,
    portion_bytes: usize,
    courtesy: Courtesy,
    /// Where in the tail the block begins that was sealed last.
    last_sealed: usize,
    /// How many bytes of the tail are in the file already, ahead of their commit.
    ahead: usize,
    spare_body: Vec<u8>,
    poisoned: bool,
}

impl LogWriter {
    /// Goes on after `state`, in a log with this hash key.
    pub(super) fn new(
        log: Arc<Log>,
        state: LogState,
        hash_key: [u8; 16],
        settings: &Settings,
    ) -> Self {
        Self {
            log,
            state,
            hash_key,
            file_bytes: settings.file_bytes.min(MAXIMUM_FILE_BYTES),
            portion_bytes: settings.portion_bytes.max(1),
            courtesy: settings.courtesy.clone(),
            last_sealed: 0,
            ahead: 0,
            spare_body: Vec::new(),
            poisoned: false,
        }
    }

    /// Refuses what does not continue its sequence, and everything after a failure.
    pub(in super::super) fn check(&self, sequence: SequenceId, first: u64) -> Result<()> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        if sequence.0 == u16::MAX {
            return Err(Error::BadOutcome { reason: "no sequence may have the number 65,535" });
        }
        let expected = self.state.covered.get(&sequence.0).copied().unwrap_or(0) + 1;
        if first != expected {
            return Err(Error::OutOfOrder { sequence, expected, given: first });
        }
        Ok(())
    }

    /// Appends some records of a sequence and covers it up to `last`; readers see them from here
    /// on. `index` is given the hashes of each record's keys and where the record is found.
    pub(in super::super) fn append<'a>(
        &mut self,
        sequence: SequenceId,
        records: impl Iterator<Item = Encoded<'a>>,
        last: u64,
        mut index: impl FnMut(u64, Locator),
    ) {
        let log = Arc::clone(&self.log);
        let mut view = log.view_mut();
        let mut open = view.open.take();
        for record in records {
            let mut block = self.block_for(sequence, open.take(), &mut view);
            let locator = block.push(record.number, record.bytes);
            for hash in record.hashes.as_chunks::<8>().0 {
                index(u64::from_le_bytes(*hash), locator);
            }
            self.state.covered.insert(sequence.0, record.number);
            open = Some(block);
        }
        let covered = self.state.covered.get(&sequence.0).copied().unwrap_or(0);
        if last > covered {
            let mut block = self.block_for(sequence, open.take(), &mut view);
            block.last = last;
            open = Some(block);
            self.state.covered.insert(sequence.0, last);
        }
        let covered = covered.max(last);
        view.open = open;
        view.covered.insert(sequence.0, covered);
    }

    /// How many bytes await their commit.
    pub(in super::super) fn uncommitted_bytes(&self) -> usize {
        let view = self.log.view();
        view.tail.len() + view.open.as_ref().map_or(0, OpenBlock::block_bytes)
    }

    /// Writes and syncs what has gathered of the coming commit, where that is a portion: so the
    /// commit itself has little left to write, and keeps nobody else waiting for the disk. After a
    /// crash these blocks are part of a commit that was interrupted. A failure is final, but without
    /// room nothing happens: the commit will tell.
    pub(in super::super) fn write_ahead(&mut self) -> Result<()> {
        // Whatever was sealed last may be the commit's last block, which the commit will mark.
        let end = self.last_sealed;
        let is_due = end >= self.ahead + self.portion_bytes;
        if self.poisoned || !is_due || self.courtesy.is_behind() {
            return Ok(());
        }
        if room::check(&*self.log.disk, (end - self.ahead) as u64).is_err() {
            return Ok(());
        }
        let records = Arc::clone(&self.log.view().active.records);
        let result = match self.write_tail(end) {
            Err(error) if error.is_for_want_of_space() => return Ok(()),
            Err(error) => Err(error),
            Ok(()) => records.sync_data().map_err(Error::from),
        };
        self.poisoned = result.is_err();
        result
    }

    /// Writes and syncs everything appended, and returns how far the sequences that moved are
    /// durable now. A failure is final, unless a write found no room: then everything is as before,
    /// and more may be appended.
    pub(in super::super) fn commit(&mut self) -> Result<Vec<Position>> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        self.seal_commit();
        let end = self.log.view().tail.len();
        if end == 0 {
            return Ok(Vec::new());
        }
        if let Err(error) = self.write_tail(end) {
            // What was written in part lies beyond what counts, and is written over the next time.
            self.mark_last(false);
            self.poisoned = !error.is_for_want_of_space();
            return Err(error);
        }
        let result = self.make_durable();
        self.poisoned = result.is_err();
        result
    }

    /// The running number of the last block that is sealed; after a commit, of the last block.
    pub(in super::super) fn last_block(&self) -> u64 {
        self.state.next_block - 1
    }

    /// Seals the open block, and makes the last one the end of a commit.
    fn seal_commit(&mut self) {
        let log = Arc::clone(&self.log);
        {
            let mut view = log.view_mut();
            if let Some(open) = view.open.take() {
                self.seal(open, &mut view);
            }
        }
        self.mark_last(true);
    }

    /// Says in the last sealed block whether it ends a commit.
    fn mark_last(&mut self, last_of_commit: bool) {
        let log = Arc::clone(&self.log);
        let mut view = log.view_mut();
        if let Some(block) = view.tail.get_mut(self.last_sealed..)
            && let Ok(header) = Header::decode(block)
        {
            let header = Header { last_of_commit, ..header };
            self.state.previous_checksum = header.encode(block);
        }
    }

    /// Writes the tail up to `end`, but for what is in the file already.
    fn write_tail(&mut self, end: usize) -> Result<()> {
        {
            // Only this writer ever takes the lock for writing, so that holding it for reading while
            // the disk works keeps no reader waiting.
            let view = self.log.view();
            let bytes = view.tail.get(self.ahead..end).unwrap_or_default();
            let offset = view.active.written + self.ahead as u64;
            write_in_pieces(&*view.active.records, bytes, offset)?;
        }
        self.ahead = end;
        Ok(())
    }

    fn make_durable(&mut self) -> Result<Vec<Position>> {
        let log = Arc::clone(&self.log);
        let records = Arc::clone(&log.view().active.records);
        records.sync_data()?;
        let mut view = log.view_mut();
        view.active.written += view.tail.len() as u64;
        view.tail.clear();
        (self.last_sealed, self.ahead) = (0, 0);
        self.state.next_commit += 1;
        let durable = view.covered.iter().filter_map(|(sequence, number)| {
            let moved = view.durable.get(sequence) != Some(number);
            moved.then_some(Position { sequence: SequenceId(*sequence), number: *number })
        });
        let durable = durable.collect();
        view.durable = view.covered.clone();
        let full = view.active.written >= self.file_bytes
            || view.active.directory.blocks() >= MAXIMUM_FILE_BLOCKS;
        let directory_bytes = view.active.directory.blocks() as u64 * DIRECTORY_BYTES;
        drop(view);
        // Without room for the next one, this file is written on.
        if full && room::check(&*log.disk, directory_bytes).is_ok() {
            self.begin_next_file()?;
        }
        Ok(durable)
    }

    /// The open block, or a new one where there is none that takes more of this sequence.
    fn block_for(
        &mut self,
        sequence: SequenceId,
        open: Option<OpenBlock>,
        view: &mut View,
    ) -> OpenBlock {
        match open {
            Some(open) if open.sequence == sequence && !open.is_full() => open,
            other => {
                if let Some(full) = other {
                    self.seal(full, view);
                }
                let first = self.state.covered.get(&sequence.0).copied().unwrap_or(0) + 1;
                let body = std::mem::take(&mut self.spare_body);
                OpenBlock::new(sequence, self.state.next_block, first, body)
            }
        }
    }

    fn seal(&mut self, open: OpenBlock, view: &mut View) {
        self.last_sealed = view.tail.len();
        let offset = view.active.written + view.tail.len() as u64;
        let (header, body) = open.seal(
            self.log.directory_id,
            self.state.next_commit,
            self.state.previous_checksum,
            &mut view.tail,
        );
        view.active.directory.push(&header, offset);
        self.state.previous_checksum = header.checksum;
        self.state.next_block += 1;
        self.spare_body = body;
    }

    /// Begins the next file, if there is room for it; otherwise this one is written on.
    fn begin_next_file(&mut self) -> Result<()> {
        match self.try_begin_next_file() {
            Err(error) if error.is_for_want_of_space() => Ok(()),
            other => other,
        }
    }

    /// Makes the directory of the full file durable before the next file: whatever is closed has its
    /// directory, and one that is written on gets another in its place.
    fn try_begin_next_file(&mut self) -> Result<()> {
        let log = Arc::clone(&self.log);
        let file = log.view().active.file + 1;
        let header = FileHeader {
            directory_id: log.directory_id,
            hash_key: self.hash_key,
            file,
            state: self.state.clone(),
        };
        {
            let view = log.view();
            let Active { directory, file, first_block, .. } = &view.active;
            directory.write(&*log.disk, log.directory_id, *file, *first_block)?;
        }
        let (records, length) = match create(&*log.disk, &header) {
            Err(error) if error.is_for_want_of_space() => {
                // Were its name there after a crash, no torn end would be allowed here any more.
                log.disk.remove(&records_path(file)).or_else(fine_if_missing)?;
                log.disk.sync_folder(FOLDER)?;
                return Err(error);
            }
            created => created?,
        };
        let mut view = log.view_mut();
        view.begin_file(file, self.state.next_block, &self.state.covered);
        view.active = Active {
            file,
            records,
            directory: Directory::default(),
            first_block: self.state.next_block,
            written: length,
        };
        Ok(())
    }
}

/// Creates a log file with its header, durably, and returns it with the header's length.
pub(super) fn create(disk: &dyn Disk, header: &FileHeader) -> Result<(Arc<dyn File>, u64)> {
    let records = disk.create(&records_path(header.file))?;
    let bytes = header.encode();
    records.write_at(&bytes, 0)?;
    records.sync_data()?;
    disk.sync_folder(FOLDER)?;
    Ok((records, bytes.len() as u64))
}
