//! Checking the whole ledger, and listing what a backup has to copy.

use super::error::{Error, Result};
use super::log::{Blocks, Verified};
use super::reader::LedgerReader;
use super::settings::Settings;

/// What a whole ledger consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// The files of the log.
    pub log_files: u32,
    /// The blocks in them.
    pub blocks: u64,
    /// The records in those.
    pub records: u64,
    /// The keys of the records, each of which the index has.
    pub keys: u64,
    /// The runs of the index.
    pub runs: u32,
}

/// One file of the ledger, as far as the last commit goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileListing {
    /// The path, relative to the disk's root.
    pub path: String,
    /// How many of its bytes belong to what is durable. None of them will ever change.
    pub bytes: u64,
}

/// Checks everything up to the log's last block.
pub(super) fn verify(
    reader: &LedgerReader,
    settings: &Settings,
    last_block: u64,
) -> Result<Verification> {
    let Verified { log_files } = reader.log.verify(settings)?;
    let mut result = Verification { log_files, ..Verification::default() };
    let runs = reader.index.runs();
    for run in runs.iter() {
        run.verify().inspect_err(|error| reader.index.report(error))?;
    }
    result.runs = runs.len() as u32;
    let mut blocks = Blocks::new(reader.log.clone(), 1, last_block);
    while let Some(block) = blocks.next()? {
        result.blocks += 1;
        for record in block.records() {
            result.records += 1;
            for hash in record.hashes() {
                result.keys += 1;
                if !reader.index.has(hash, record.locator)? {
                    return Err(Error::DamagedIndex {
                        path: "ledger/index".to_owned(),
                        offset: 0,
                        reason: format!("a key of {} is missing", record.position),
                    });
                }
            }
        }
    }
    let indexed = reader.index.entries();
    if indexed != result.keys {
        return Err(Error::DamagedIndex {
            path: "ledger/index".to_owned(),
            offset: 0,
            reason: format!("it has {indexed} entries for {} keys", result.keys),
        });
    }
    Ok(result)
}

/// Lists the files, the primary ones first.
pub(super) fn files(reader: &LedgerReader) -> Result<Vec<FileListing>> {
    let mut files = reader.log.files()?;
    files.extend(reader.index.runs().iter().map(|run| {
        let (path, bytes) = (run.path().to_owned(), run.header().file_bytes());
        FileListing { path, bytes }
    }));
    Ok(files)
}
