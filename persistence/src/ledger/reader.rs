//! Reading the ledger: by position, by key, and in order.

use std::sync::Arc;

use redeemd_domain::sequence::{Position, SequenceId};

use super::error::{Error, Result};
use super::index::{Candidates, Index};
use super::key::{Key, KeyHasher};
use super::locator::Locator;
use super::log::{Log, records_path};
use super::verification::FileListing;

/// A handle that reads the ledger from any thread. It sees everything that was appended.
#[derive(Clone, Debug)]
pub struct LedgerReader {
    pub(super) log: Arc<Log>,
    pub(super) index: Arc<Index>,
    pub(super) hasher: KeyHasher,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The sequence and number of the entry whose outcome it is.
    pub position: Position,
    /// Its bytes, as they were appended.
    pub bytes: Vec<u8>,
}

/// A record that was found by a key, or by another key with the same hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The record.
    pub record: Record,
    /// Where it lies; the look-up can go on below it.
    pub locator: Locator,
}

/// A part of a sequence, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanPage {
    /// The records.
    pub records: Vec<Record>,
    /// Everything up to this number was looked at, whether or not it left a record; the next scan
    /// goes on after it.
    pub through: u64,
}

/// A part of a sequence, in the opposite order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackwardPage {
    /// The records, newest first.
    pub records: Vec<Record>,
    /// Everything from this number on was looked at, whether or not it left a record; the next scan
    /// goes on before it. At 1 the sequence is at its beginning.
    pub from: u64,
}

/// What a scan has read when it has enough, in bytes.
const ENOUGH_BYTES: usize = 1 << 20;

impl LedgerReader {
    /// The hasher that a [`super::Batch`] needs.
    pub fn key_hasher(&self) -> KeyHasher {
        self.hasher
    }

    /// The last number of a sequence that was appended, or zero.
    pub fn appended(&self, sequence: SequenceId) -> u64 {
        self.log.appended(sequence)
    }

    /// The last number of a sequence that is durable, or zero.
    pub fn durable(&self, sequence: SequenceId) -> u64 {
        self.log.durable(sequence)
    }

    /// The sequences that have anything in the ledger, in order.
    pub fn sequences(&self) -> Vec<SequenceId> {
        self.log.sequences()
    }

    /// The files of the log, with the bytes of each that are durable and will never change: what a
    /// backup needs of the ledger, since everything else is derived from it.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn log_files(&self) -> Result<Vec<FileListing>> {
        let mut files = self.log.files()?;
        files.retain(|file| file.path.ends_with(".records"));
        Ok(files)
    }

    /// The bytes of the log from the earliest of some positions to its end, with everything that
    /// lies between; 0 where there is no such position.
    ///
    /// # Errors
    /// Where the disk fails, or a file's directory is damaged.
    pub fn bytes_from(&self, positions: &[Position]) -> Result<u64> {
        self.reported(self.log.bytes_from(positions))
    }

    /// The record at a position; `None` where nothing was appended yet, or the entry left none.
    ///
    /// # Errors
    /// Where the disk fails, or the block or the file's directory is damaged.
    pub fn read(&self, position: Position) -> Result<Option<Record>> {
        let Some(block) = self.reported(self.log.block_at(position))? else { return Ok(None) };
        let found = block.records().find(|record| record.position.number >= position.number);
        Ok(found
            .filter(|record| record.position == position)
            .map(|record| Record { position, bytes: record.bytes.to_vec() }))
    }

    /// The records that may have a key, newest first. The caller compares each with what it looks
    /// for: another key may have the same hash.
    pub fn find(&self, key: Key<'_>) -> Matches {
        self.find_before(key, Locator::END)
    }

    /// As [`LedgerReader::find`], but only records that were appended before this place.
    pub fn find_before(&self, key: Key<'_>, before: Locator) -> Matches {
        let candidates = self.index.candidates(self.hasher.hash(key), before);
        Matches { reader: self.clone(), candidates }
    }

    /// The records of a sequence after a number, in order: at most `limit` of them, and no more
    /// once they have 1 MiB together.
    ///
    /// # Errors
    /// Where the disk fails, or a block or a file's directory is damaged.
    pub fn scan(&self, sequence: SequenceId, after: u64, limit: usize) -> Result<ScanPage> {
        let mut page = ScanPage { records: Vec::new(), through: after };
        let mut bytes = 0;
        while page.records.len() < limit && bytes < ENOUGH_BYTES {
            let position = Position { sequence, number: page.through + 1 };
            let Some(block) = self.reported(self.log.block_at(position))? else { break };
            let mut through = block.last;
            for record in block.records() {
                if record.position.number < position.number {
                    continue;
                }
                if page.records.len() == limit {
                    // What lies between two records left none and was looked at, too.
                    through = record.position.number - 1;
                    break;
                }
                bytes += record.bytes.len();
                let (position, bytes) = (record.position, record.bytes.to_vec());
                page.records.push(Record { position, bytes });
            }
            page.through = through;
        }
        Ok(page)
    }

    /// The records of a sequence before a number, newest first: at most `limit` of them, and no more
    /// once they have 1 MiB together. A number beyond the last one is as good as the one after it.
    ///
    /// # Errors
    /// Where the disk fails, or a block or a file's directory is damaged.
    pub fn scan_back(
        &self,
        sequence: SequenceId,
        before: u64,
        limit: usize,
    ) -> Result<BackwardPage> {
        let from = before.min(self.appended(sequence).saturating_add(1));
        let mut page = BackwardPage { records: Vec::new(), from };
        let mut bytes = 0;
        while page.records.len() < limit && bytes < ENOUGH_BYTES && page.from > 1 {
            let position = Position { sequence, number: page.from - 1 };
            let Some(block) = self.reported(self.log.block_at(position))? else { break };
            // A block can only be read forwards.
            let is_before = |number: u64| number <= position.number;
            let records = block.records().take_while(|record| is_before(record.position.number));
            let records: Vec<_> = records.collect();
            page.from = block.first;
            for record in records.iter().rev() {
                bytes += record.bytes.len();
                let (position, bytes) = (record.position, record.bytes.to_vec());
                page.records.push(Record { position, bytes });
                if page.records.len() == limit {
                    page.from = position.number;
                    break;
                }
            }
        }
        Ok(page)
    }

    /// The record at a place of the log.
    fn record_at(&self, locator: Locator) -> Result<Record> {
        let lost = |reason: &str| Error::DamagedLog {
            path: records_path(0),
            offset: 0,
            reason: format!("block {}, record {}: {reason}", locator.block(), locator.index()),
        };
        let block = self.log.block(locator.block())?.ok_or_else(|| lost("no such block"))?;
        let record = block.records().nth(usize::from(locator.index()));
        let record = record.ok_or_else(|| lost("no such record"))?;
        Ok(Record { position: record.position, bytes: record.bytes.to_vec() })
    }

    /// Tells the writer of a damaged derived file, so that it repairs it.
    fn reported<T>(&self, result: Result<T>) -> Result<T> {
        result.inspect_err(|error| self.index.report(error))
    }
}

/// The records that may have a key, newest first, read as they are asked for.
///
/// Newest means appended last, over all sequences. After an error it ends.
#[derive(Debug)]
pub struct Matches {
    reader: LedgerReader,
    candidates: Candidates,
}

impl Matches {
    fn advance(&mut self) -> Result<Option<Match>> {
        let Some(locator) = self.candidates.next()? else { return Ok(None) };
        let record = self.reader.record_at(locator)?;
        Ok(Some(Match { record, locator }))
    }
}

impl Iterator for Matches {
    type Item = Result<Match>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.advance();
        let result = self.reader.reported(result);
        if result.is_err() {
            self.candidates.end();
        }
        result.transpose()
    }
}
