//! Writing the index: entries into memory, memory into runs, runs into larger runs.

use std::sync::Arc;

use super::super::error::Result;
use super::super::room;
use super::super::table::{CacheBudget, Header, Kind, Table, TableWriter};
use super::FOLDER;
use super::memory::Memory;
use super::merge::Merge;
use super::names::run_path;
use super::view::Index;
use crate::disk::{Courtesy, Disk};

/// How many runs of a size are merged into one of the next.
const FAN_OUT: usize = 16;
const ENTRY_BYTES: u64 = 16;
/// An entry's share of a run's fences and filter, at the most.
const OVERHEAD_BYTES: u64 = 4;

/// What a call for maintenance has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// The bytes of index entries still to be written before no run is due for merging.
    pub backlog_bytes: u64,
    /// How many derived files were found damaged and made anew.
    pub repaired: u32,
}

/// The one writer of the index.
#[derive(Debug)]
pub(in super::super) struct IndexWriter {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) directory_id: [u8; 16],
    pub(super) index: Arc<Index>,
    pub(super) batch_entries: usize,
    pub(super) budget: Arc<CacheBudget>,
    /// The first block that no run covers.
    pub(super) next_block: u64,
    /// Merges in progress, those of smaller runs after those of larger ones.
    pub(super) merges: Vec<Merge>,
    pub(super) courtesy: Courtesy,
}

impl IndexWriter {
    /// Adds entries; readers find them from here on.
    pub(in super::super) fn insert(&mut self, entries: &[u128]) {
        let mut view = self.index.view_mut();
        for entry in entries {
            view.memory.insert(*entry);
        }
    }

    /// How many bytes the next [`IndexWriter::flush_if_full`] would write, at the most.
    pub(in super::super) fn due_bytes(&self) -> u64 {
        let entries = self.index.view().memory.entries();
        let is_due = entries >= self.batch_entries;
        if is_due { entries as u64 * (ENTRY_BYTES + OVERHEAD_BYTES) } else { 0 }
    }

    /// How many bytes all runs have, at the most.
    pub(in super::super) fn stored_bytes(&self) -> u64 {
        let runs = self.index.runs();
        let entries: u64 = runs.iter().map(|run| run.header().entries).sum();
        entries * (ENTRY_BYTES + OVERHEAD_BYTES)
    }

    /// Writes the memory as a run where it has grown enough. `last_block` is the last block of the
    /// log and must be durable: the index never knows more than the log.
    pub(in super::super) fn flush_if_full(&mut self, last_block: u64) -> Result<()> {
        let full = self.index.view().memory.entries() >= self.batch_entries;
        if full { self.flush(last_block) } else { Ok(()) }
    }

    /// Writes the memory as a run that covers the log up to `last_block`.
    pub(in super::super) fn flush(&mut self, last_block: u64) -> Result<()> {
        if last_block < self.next_block {
            return Ok(());
        }
        let buckets = self.index.view().memory.buckets().len();
        for bucket in 0..buckets {
            // One at a time, so that readers get in between.
            self.index.view_mut().memory.sort(bucket);
        }
        let table = {
            let view = self.index.view();
            self.write_run(self.next_block, last_block, &view.memory)?
        };
        let mut view = self.index.view_mut();
        view.memory.clear();
        Arc::make_mut(&mut view.runs).push(table);
        drop(view);
        self.next_block = last_block + 1;
        Ok(())
    }

    /// Writes sorted entries as the run of some blocks, durably.
    pub(super) fn write_run(&self, first: u64, last: u64, memory: &Memory) -> Result<Arc<Table>> {
        let path = run_path(first, last);
        let temporary = format!("{path}.temporary");
        let header = self.header(first, last, memory.entries() as u64);
        let write = || -> Result<()> {
            let mut writer = TableWriter::create(&*self.disk, &temporary, header, &self.courtesy)?;
            for bucket in memory.buckets() {
                writer.extend(bucket)?;
            }
            writer.finish()?;
            Ok(self.disk.rename(&temporary, &path)?)
        };
        room::or_remove(&*self.disk, &temporary, write())?;
        self.disk.sync_folder(FOLDER)?;
        self.open_run(&path)
    }

    pub(super) fn open_run(&self, path: &str) -> Result<Arc<Table>> {
        let budget = Arc::clone(&self.budget);
        Ok(Arc::new(Table::open(&*self.disk, path, self.directory_id, budget)?))
    }

    /// Merges runs that are due, until about `budget_bytes` were written; returns the bytes of
    /// entries that are still to be merged.
    pub(in super::super) fn merge(&mut self, budget_bytes: u64) -> Result<u64> {
        let mut left = budget_bytes;
        while self.begin_merges()? && left > 0 {
            // The last one merges the smallest runs: many of those cost a reader the most.
            let Some(merge) = self.merges.last_mut() else { break };
            match merge.step()? {
                0 => self.finish_merge()?,
                entries => left = left.saturating_sub(entries * ENTRY_BYTES),
            }
        }
        Ok(self.merges.iter().map(|merge| merge.left() * ENTRY_BYTES).sum())
    }

    /// Leaves all merges in progress.
    pub(in super::super) fn abandon_merges(&mut self) -> Result<()> {
        self.merges.drain(..).try_for_each(|merge| merge.abandon(&*self.disk))
    }

    /// Begins what is due; whether anything is in progress then.
    fn begin_merges(&mut self) -> Result<bool> {
        let runs = self.index.runs();
        while let Some(due) = self.due(&runs) {
            let Some((first, last)) = due.first().zip(due.last()) else { break };
            let entries = due.iter().map(|run| run.header().entries).sum();
            let header = self.header(first.header().first_block, last.header().last_block, entries);
            self.merges.push(Merge::begin(&*self.disk, due, header, &self.courtesy)?);
        }
        Ok(!self.merges.is_empty())
    }

    /// The newest runs, behind those that are being merged, where enough of them have a size.
    fn due<'a>(&self, runs: &'a [Arc<Table>]) -> Option<&'a [Arc<Table>]> {
        let merging = self.merges.last().map_or(0, |merge| merge.header.last_block);
        let start = runs.partition_point(|run| run.header().first_block <= merging);
        let free = runs.get(start..)?;
        let largest = free.iter().map(|run| self.level(run)).max()?;
        (0..=largest).find_map(|level| {
            let newest = free.iter().rev().take_while(|run| self.level(run) <= level).count();
            if newest >= FAN_OUT { free.get(free.len() - newest..) } else { None }
        })
    }

    /// How often a run of this size was merged, about.
    fn level(&self, run: &Table) -> u32 {
        let batches = run.header().entries / (self.batch_entries as u64 * 2).max(1);
        batches.checked_ilog(FAN_OUT as u64).map_or(0, |level| level + 1)
    }

    fn finish_merge(&mut self) -> Result<()> {
        let Some(merge) = self.merges.pop() else { return Ok(()) };
        let (first, last) = (merge.header.first_block, merge.header.last_block);
        let temporary = merge.temporary().to_owned();
        let path = room::or_remove(&*self.disk, &temporary, merge.finish(&*self.disk))?;
        let table = self.open_run(&path)?;
        let superseded: Vec<_> = {
            let mut view = self.index.view_mut();
            let runs = Arc::make_mut(&mut view.runs);
            let start = runs.partition_point(|run| run.header().first_block < first);
            let end = runs.partition_point(|run| run.header().last_block <= last);
            runs.splice(start..end, [table]).collect()
        };
        for run in superseded {
            self.disk.remove(run.path())?;
        }
        Ok(())
    }

    fn header(&self, first_block: u64, last_block: u64, entries: u64) -> Header {
        let directory_id = self.directory_id;
        Header { kind: Kind::Run, directory_id, first_block, last_block, entries }
    }
}
