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
    let mut indexed = Fingerprint::default();
    reader.index.in_memory(|entry| indexed.add(entry));
    let runs = reader.index.runs();
    for run in runs.iter() {
        let verified = run.verify(|entry| indexed.add(entry));
        verified.inspect_err(|error| reader.index.report(error))?;
    }
    result.runs = runs.len() as u32;
    let mut logged = Fingerprint::default();
    let mut blocks = Blocks::new(reader.log.clone(), 1, last_block);
    while let Some(block) = blocks.next()? {
        result.blocks += 1;
        for record in block.records() {
            result.records += 1;
            for hash in record.hashes() {
                result.keys += 1;
                logged.add(u128::from(hash) << 64 | u128::from(record.locator.to_bits()));
            }
        }
    }
    if indexed != logged {
        return Err(Error::DamagedIndex {
            path: "ledger/index".to_owned(),
            offset: 0,
            reason: "its entries are not the keys of the log".to_owned(),
        });
    }
    Ok(result)
}

/// The sum and the count of a set of entries, whatever their order: two sets that differ by
/// accident have the same one once in 2^64 times.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fingerprint {
    sum: u64,
    count: u64,
}

impl Fingerprint {
    fn add(&mut self, entry: u128) {
        // The finish of SplitMix64 (Steele, Lea and Flood, 2014) over both halves.
        let mut mixed = (entry >> 64) as u64 ^ (entry as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.sum = self.sum.wrapping_add(mixed ^ mixed >> 31);
        self.count += 1;
    }
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
