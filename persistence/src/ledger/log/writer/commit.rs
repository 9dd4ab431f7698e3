//! Writing what has gathered, and making it durable.

use std::sync::Arc;

use redeemd_domain::sequence::{Position, SequenceId};

use super::LogWriter;
use crate::disk::write_in_pieces;
use crate::ledger::block::Header;
use crate::ledger::error::{Error, Result};
use crate::ledger::room;

/// A file is closed at this many blocks, so that its directory in memory stays below 2 MiB.
const MAXIMUM_FILE_BLOCKS: usize = 1 << 16;
/// What a block takes in the directory of its file, at the most: two entries, their shares of the
/// fences and of the filter.
const DIRECTORY_BYTES: u64 = 48;

impl LogWriter {
    /// Writes and syncs what has gathered of the coming commit, where that is a portion: so the
    /// commit itself has little left to write, and keeps nobody else waiting for the disk. After a
    /// crash these blocks are part of a commit that was interrupted. A failure is final, but without
    /// room nothing happens: the commit will tell.
    pub(in crate::ledger) fn write_ahead(&mut self) -> Result<()> {
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
    pub(in crate::ledger) fn commit(&mut self) -> Result<Vec<Position>> {
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
}
