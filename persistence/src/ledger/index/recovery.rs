//! Opening the index: runs that are whole are kept, and every block of the log that none of them
//! covers is indexed again.

use std::sync::Arc;

use super::super::error::{Error, Result};
use super::super::log::{Blocks, Log};
use super::super::settings::Settings;
use super::super::table::{CacheBudget, Kind, Table};
use super::FOLDER;
use super::memory::Memory;
use super::names::{parse, run_path};
use super::view::Index;
use super::writer::IndexWriter;
use crate::disk::Disk;

/// An index that was opened.
pub(in super::super) struct Recovered {
    pub(in super::super) index: Arc<Index>,
    pub(in super::super) writer: IndexWriter,
    /// How many runs were damaged and dropped.
    pub(in super::super) damaged_runs: u32,
    /// How many blocks of the log were indexed again.
    pub(in super::super) reindexed_blocks: u64,
}

/// Opens the index of a log whose last block is `last_block`.
pub(in super::super) fn recover(
    disk: Arc<dyn Disk>,
    settings: &Settings,
    log: &Arc<Log>,
    last_block: u64,
) -> Result<Recovered> {
    let budget = CacheBudget::new(settings.cache_bytes);
    let (runs, damaged_runs) = open_runs(&*disk, settings, &budget, last_block)?;
    let next_block = runs.last().map_or(1, |run| run.header().last_block + 1);
    let gaps = gaps(&runs);
    let index = Index::new(Memory::new(settings.index_batch_entries), runs);
    let mut writer = IndexWriter {
        disk,
        directory_id: settings.directory_id,
        index: Arc::clone(&index),
        batch_entries: settings.index_batch_entries.max(1),
        courtesy: settings.courtesy.clone(),
        budget,
        next_block,
        merges: Vec::new(),
    };
    let mut reindexed_blocks = 0;
    for (first, last) in gaps {
        reindexed_blocks += last - first + 1;
        writer.fill_gap(log, first, last)?;
    }
    reindexed_blocks += last_block + 1 - next_block;
    writer.catch_up(log, last_block)?;
    Ok(Recovered { index, writer, damaged_runs, reindexed_blocks })
}

impl IndexWriter {
    /// Drops a damaged run and indexes its blocks again; whether there was such a run.
    pub(in super::super) fn repair(&mut self, log: &Arc<Log>, path: &str) -> Result<bool> {
        let runs = self.index.runs();
        let Some(run) = runs.iter().find(|run| run.path() == path) else { return Ok(false) };
        self.abandon_merges()?;
        let (first, last) = (run.header().first_block, run.header().last_block);
        self.fill_gap(log, first, last)?;
        Ok(true)
    }

    /// Drops all runs and the memory, and indexes the whole log again.
    pub(in super::super) fn rebuild(&mut self, log: &Arc<Log>, last_block: u64) -> Result<()> {
        self.abandon_merges()?;
        let runs = {
            let mut view = self.index.view_mut();
            view.memory.clear();
            std::mem::take(Arc::make_mut(&mut view.runs))
        };
        for run in runs {
            self.disk.remove(run.path())?;
        }
        self.next_block = 1;
        self.catch_up(log, last_block)
    }

    /// Indexes the log from the first block that no run covers, beyond an empty memory.
    fn catch_up(&mut self, log: &Arc<Log>, last_block: u64) -> Result<()> {
        let mut blocks = Blocks::new(Arc::clone(log), self.next_block, last_block);
        let mut entries = Vec::new();
        while let Some(block) = blocks.next()? {
            let number = block.header.block;
            entries.clear();
            for record in block.records() {
                let place = u128::from(record.locator.to_bits());
                entries.extend(record.hashes().map(|hash| u128::from(hash) << 64 | place));
            }
            self.insert(&entries);
            self.flush_if_full(number)?;
        }
        Ok(())
    }

    /// Writes new runs for a range of blocks, in place of those that lie within it.
    fn fill_gap(&mut self, log: &Arc<Log>, first: u64, last: u64) -> Result<()> {
        let mut blocks = Blocks::new(Arc::clone(log), first, last);
        let mut memory = Memory::new(self.batch_entries);
        let (mut start, mut made) = (first, Vec::new());
        while let Some(block) = blocks.next()? {
            for record in block.records() {
                let place = u128::from(record.locator.to_bits());
                for hash in record.hashes() {
                    memory.insert(u128::from(hash) << 64 | place);
                }
            }
            let number = block.header.block;
            if memory.entries() >= self.batch_entries || number == last {
                for bucket in 0..memory.buckets().len() {
                    memory.sort(bucket);
                }
                let old = run_path(start, number);
                if start == first && number == last {
                    // The run to be replaced has the same name, and readers may hold it open.
                    self.disk.remove(&old).or_else(absent)?;
                }
                made.push(self.write_run(start, number, &memory)?);
                memory.clear();
                start = number + 1;
            }
        }
        let superseded: Vec<_> = {
            let mut view = self.index.view_mut();
            let runs = Arc::make_mut(&mut view.runs);
            let from = runs.partition_point(|run| run.header().first_block < first);
            let to = runs.partition_point(|run| run.header().last_block <= last);
            let made_paths: Vec<_> = made.iter().map(|run| run.path().to_owned()).collect();
            let dropped = runs.splice(from..to.max(from), made);
            dropped.filter(|run| !made_paths.iter().any(|path| path == run.path())).collect()
        };
        for run in superseded {
            self.disk.remove(run.path()).or_else(absent)?;
        }
        Ok(())
    }
}

/// The whole runs, oldest first, without those that a merged one supersedes; everything else in
/// the folder is removed.
fn open_runs(
    disk: &dyn Disk,
    settings: &Settings,
    budget: &Arc<CacheBudget>,
    last_block: u64,
) -> Result<(Vec<Arc<Table>>, u32)> {
    let mut ranges = Vec::new();
    for name in disk.list(FOLDER)? {
        match parse(&name) {
            Some((first, last)) => ranges.push((first, u64::MAX - last)),
            None if name.ends_with(".temporary") => disk.remove(&format!("{FOLDER}/{name}"))?,
            None => {}
        }
    }
    // By first block, and of those that begin together the longest first.
    ranges.sort_unstable();
    let (mut runs, mut damaged): (Vec<Arc<Table>>, u32) = (Vec::new(), 0);
    for (first, last) in ranges.into_iter().map(|(first, last)| (first, u64::MAX - last)) {
        let path = run_path(first, last);
        if last > last_block {
            let (log_end, index_end) = (last_block, last);
            return Err(Error::LogEndLost { log_end, index_end, path });
        }
        let covered = runs.last().map_or(0, |run| run.header().last_block);
        if first <= covered {
            disk.remove(&path)?;
            continue;
        }
        match Table::open(disk, &path, settings.directory_id, Arc::clone(budget)) {
            Ok(table) if is_named(&table, first, last) => runs.push(Arc::new(table)),
            Ok(_) | Err(Error::DamagedIndex { .. }) => {
                disk.remove(&path)?;
                damaged += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((runs, damaged))
}

/// The last block that any run covers, and that run.
pub(in super::super) fn last_run(disk: &dyn Disk) -> Result<Option<(u64, String)>> {
    let names = match disk.list(FOLDER) {
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        names => names?,
    };
    let runs = names.iter().filter_map(|name| parse(name));
    let last = runs.max_by_key(|&(_, last)| last);
    Ok(last.map(|(first, last)| (last, run_path(first, last))))
}

fn is_named(table: &Table, first: u64, last: u64) -> bool {
    let header = table.header();
    header.kind == Kind::Run && (header.first_block, header.last_block) == (first, last)
}

/// The ranges of blocks between the runs that none of them covers.
fn gaps(runs: &[Arc<Table>]) -> Vec<(u64, u64)> {
    let mut next = 1;
    let mut gaps = Vec::new();
    for run in runs {
        if run.header().first_block > next {
            gaps.push((next, run.header().first_block - 1));
        }
        next = run.header().last_block + 1;
    }
    gaps
}

fn absent(error: crate::disk::Error) -> std::result::Result<(), crate::disk::Error> {
    if error.source.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
