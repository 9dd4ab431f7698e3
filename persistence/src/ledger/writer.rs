//! The ledger's one writer.

use std::sync::Arc;

use redeemd_domain::sequence::{Position, SequenceId};

use super::batch::Batch;
use super::error::{Error, Result};
use super::index::{self, IndexWriter, Maintenance};
use super::key::KeyHasher;
use super::log::{self, LogWriter};
use super::reader::LedgerReader;
use super::room;
use super::settings::Settings;
use super::verification::{self, FileListing, Verification};
use crate::disk::{Courtesy, Disk};

/// How many records are appended under one hold of the readers' locks.
const RECORDS_AT_ONCE: usize = 256;
/// What awaits its commit is bounded: beyond this many bytes, appending commits by itself.
const MAXIMUM_UNCOMMITTED_BYTES: usize = 8 << 20;
/// What waits for room on the disk is bounded, too.
const MAXIMUM_WAITING_BYTES: usize = 512 << 20;

/// The ledger of one node, for the one thread that writes it.
///
/// A write or sync that failed is final: everything that changes the ledger returns
/// [`Error::Poisoned`] from then on, and the process has to open it again. Only where room was
/// missing ([`Error::is_for_want_of_space`]) it goes on: what was appended stays in memory, readers
/// see it, and the next commit tries again.
#[derive(Debug)]
pub struct Ledger {
    disk: Arc<dyn Disk>,
    pub(super) log: LogWriter,
    pub(super) index: IndexWriter,
    reader: LedgerReader,
    settings: Settings,
    entries: Vec<u128>,
    poisoned: bool,
}

/// What opening the ledger found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// How many bytes of a commit that a crash had interrupted were cut off.
    pub torn_bytes: u64,
    /// How many directories of closed log files were made anew.
    pub rebuilt_directories: u32,
    /// How many runs of the index were damaged and dropped.
    pub damaged_runs: u32,
    /// How many blocks of the log were indexed again; after any crash, the newest.
    pub reindexed_blocks: u64,
}

impl Ledger {
    /// Opens the ledger in the folder `ledger` of a disk, or makes an empty one there.
    ///
    /// A commit that a crash interrupted is dropped as a whole. The caller compares
    /// [`LedgerReader::durable`] with what it knows to have been durable: a ledger cut short at
    /// its last commit looks like that, too.
    ///
    /// # Errors
    /// [`Error::DamagedLog`] and [`Error::LogEndLost`] where durable data is damaged or missing,
    /// [`Error::NewerFormat`], [`Error::Foreign`], [`Error::Disk`]. Nothing was overwritten then.
    pub fn open(disk: Arc<dyn Disk>, settings: Settings) -> Result<(Self, Opened)> {
        disk.create_folder(log::FOLDER)?;
        disk.create_folder(index::FOLDER)?;
        disk.sync_folder("ledger")?;
        disk.sync_folder("")?;
        let opened_log = log::recover(Arc::clone(&disk), &settings)?;
        let last_block = opened_log.writer.last_block();
        let opened_index =
            index::recover(Arc::clone(&disk), &settings, &opened_log.log, last_block)?;
        let opened = Opened {
            torn_bytes: opened_log.torn_bytes,
            rebuilt_directories: opened_log.rebuilt_directories,
            damaged_runs: opened_index.damaged_runs,
            reindexed_blocks: opened_index.reindexed_blocks,
        };
        let reader = LedgerReader {
            log: opened_log.log,
            index: opened_index.index,
            hasher: KeyHasher::new(&opened_log.hash_key),
        };
        let ledger = Self {
            disk,
            log: opened_log.writer,
            index: opened_index.writer,
            reader,
            settings,
            entries: Vec::new(),
            poisoned: false,
        };
        Ok((ledger, opened))
    }

    /// A handle for readers.
    pub fn reader(&self) -> LedgerReader {
        self.reader.clone()
    }

    /// The hasher that a [`Batch`] needs.
    pub fn key_hasher(&self) -> KeyHasher {
        self.reader.key_hasher()
    }

    /// How the writer treats others.
    pub fn courtesy(&self) -> Courtesy {
        self.settings.courtesy.clone()
    }

    /// The last number of a sequence that is durable, or zero.
    pub fn durable(&self, sequence: SequenceId) -> u64 {
        self.reader.durable(sequence)
    }

    /// Appends a batch. Readers see it at once; it is durable after the next [`Ledger::commit`].
    /// With more than 8 MiB uncommitted it commits by itself, where there is room.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] and [`Error::BadOutcome`], with nothing appended;
    /// [`Error::NoSpace`], with everything appended, when more than 512 MiB wait for room;
    /// [`Error::Poisoned`] and whatever else a commit returns, after which nothing more is taken.
    pub fn append(&mut self, batch: &Batch) -> Result<()> {
        self.check_usable()?;
        self.log.check(batch.sequence(), batch.first())?;
        let mut left = batch.records();
        let mut records = batch.encoded().peekable();
        loop {
            left = left.saturating_sub(RECORDS_AT_ONCE);
            let last = if left == 0 { batch.last() } else { 0 };
            self.entries.clear();
            let entries = &mut self.entries;
            let chunk = records.by_ref().take(RECORDS_AT_ONCE);
            self.log.append(batch.sequence(), chunk, last, |hash, locator| {
                entries.push(u128::from(hash) << 64 | u128::from(locator.to_bits()));
            });
            self.index.insert(&self.entries);
            if records.peek().is_none() {
                break;
            }
        }
        let waiting = self.log.uncommitted_bytes();
        if waiting <= MAXIMUM_UNCOMMITTED_BYTES {
            let result = self.log.write_ahead();
            return self.poison_by(result);
        }
        match self.commit() {
            Err(error) if error.is_for_want_of_space() && waiting <= MAXIMUM_WAITING_BYTES => {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// How many bytes were appended and await their commit.
    pub fn uncommitted_bytes(&self) -> usize {
        self.log.uncommitted_bytes()
    }

    /// Makes everything appended durable, and returns how far the sequences that moved are durable
    /// now. With a full batch of index entries in memory, it writes those as well.
    ///
    /// # Errors
    /// [`Error::is_for_want_of_space`], with nothing changed. Otherwise the disk failed, and it is
    /// unknown what of this commit the next open will find.
    pub fn commit(&mut self) -> Result<Vec<Position>> {
        self.check_usable()?;
        let due_bytes = self.log.uncommitted_bytes() as u64 + self.index.due_bytes();
        if due_bytes > 0 {
            room::check(&*self.disk, due_bytes)?;
        }
        let result = self.log.commit();
        let durable = self.poison_unless_full(result)?;
        let result = self.index.flush_if_full(self.log.last_block());
        match self.poison_unless_full(result) {
            // The entries stay in memory; the next commit asks for room for them first.
            Err(error) if !error.is_for_want_of_space() => Err(error),
            _ => Ok(durable),
        }
    }

    /// Does what keeps look-ups quick: merges runs of the index until about `budget_bytes` were
    /// written, and repairs derived files in which a reader met damage. To be called as the ledger
    /// grows; a budget of eight times the bytes of new index entries (16 for each key) keeps up.
    /// Where the disk has no room for the budget, nothing is done.
    ///
    /// # Errors
    /// Where the disk fails or, in a repair, the log itself is damaged or room is missing.
    pub fn maintain(&mut self, budget_bytes: u64) -> Result<Maintenance> {
        self.check_usable()?;
        if room::check(&*self.disk, budget_bytes.min(self.index.stored_bytes())).is_err() {
            return Ok(Maintenance { backlog_bytes: 0, repaired: 0 });
        }
        let result = self.try_maintain(budget_bytes);
        self.poison_unless_full(result)
    }

    /// Makes the whole index anew from the log.
    ///
    /// # Errors
    /// Where the disk fails or the log is damaged.
    pub fn rebuild_index(&mut self) -> Result<()> {
        self.commit()?;
        let last_block = self.log.last_block();
        let result = self.index.rebuild(&self.reader.log, last_block);
        self.poison_by(result)
    }

    /// Walks over everything: every checksum, the chain of blocks over all files, the directories,
    /// and whether the index has exactly the keys that the log has.
    ///
    /// # Errors
    /// The first damage that it meets, or the disk's failure.
    pub fn verify(&mut self) -> Result<Verification> {
        self.commit()?;
        verification::verify(&self.reader, &self.settings, self.log.last_block())
    }

    /// The files of the ledger as of the last commit, for a backup: only so many bytes of each
    /// belong to it, and none of those will ever change.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn files(&self) -> Result<Vec<FileListing>> {
        verification::files(&self.reader)
    }

    /// The sequences that have anything in the ledger, in order.
    pub fn sequences(&self) -> Vec<SequenceId> {
        self.reader.sequences()
    }

    fn try_maintain(&mut self, budget_bytes: u64) -> Result<Maintenance> {
        let mut repaired = 0;
        for path in self.reader.index.take_damaged() {
            let log = Arc::clone(&self.reader.log);
            if self.index.repair(&log, &path)? || log.repair_directory(&path, &self.settings)? {
                repaired += 1;
            }
        }
        let backlog_bytes = match self.index.merge(budget_bytes) {
            // A damaged input is repaired the next time.
            Err(error @ Error::DamagedIndex { .. }) => {
                self.reader.index.report(&error);
                self.index.abandon_merges()?;
                0
            }
            // Somebody else took the room meanwhile. The runs stay as they are.
            Err(error) if error.is_for_want_of_space() => {
                self.index.abandon_merges()?;
                0
            }
            other => other?,
        };
        Ok(Maintenance { backlog_bytes, repaired })
    }

    fn check_usable(&self) -> Result<()> {
        if self.poisoned { Err(Error::Poisoned) } else { Ok(()) }
    }

    fn poison_by<T>(&mut self, result: Result<T>) -> Result<T> {
        self.poisoned |= result.is_err();
        result
    }

    fn poison_unless_full<T>(&mut self, result: Result<T>) -> Result<T> {
        self.poisoned |= result.as_ref().is_err_and(|error| !error.is_for_want_of_space());
        result
    }
}
