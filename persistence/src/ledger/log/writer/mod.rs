//! Writing the log: blocks gather in memory, a commit writes them and makes them durable.

mod commit;
mod next_file;

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::file_header::LogState;
use super::view::{Log, View};
use crate::disk::Courtesy;
use crate::ledger::batch::Encoded;
use crate::ledger::block::OpenBlock;
use crate::ledger::error::{Error, Result};
use crate::ledger::locator::Locator;
use crate::ledger::settings::Settings;
pub(super) use next_file::create;

/// Offsets within a file have 32 bits; a commit may go beyond the length at which a file closes.
const MAXIMUM_FILE_BYTES: u64 = 2 << 30;

/// The one writer of the log.
#[derive(Debug)]
pub(in crate::ledger) struct LogWriter {
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
    pub(in crate::ledger) fn check(&self, sequence: SequenceId, first: u64) -> Result<()> {
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
    pub(in crate::ledger) fn append<'a>(
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
    pub(in crate::ledger) fn uncommitted_bytes(&self) -> usize {
        let view = self.log.view();
        view.tail.len() + view.open.as_ref().map_or(0, OpenBlock::block_bytes)
    }

    /// The running number of the last block that is sealed; after a commit, of the last block.
    pub(in crate::ledger) fn last_block(&self) -> u64 {
        self.state.next_block - 1
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
}
