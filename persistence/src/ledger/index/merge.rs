//! Merging runs: many sorted tables become one, a step at a time.

use std::sync::Arc;

use super::super::error::Result;
use super::super::room;
use super::super::table::{Header, Scanner, Table, TableWriter};
use super::names::run_path;
use crate::disk::{Courtesy, Disk};

/// A merge in progress. It can be left at any time: its inputs stay until it is finished.
#[derive(Debug)]
pub(super) struct Merge {
    pub(super) header: Header,
    inputs: Vec<Scanner>,
    writer: TableWriter,
    chunk: Vec<u128>,
    temporary: String,
}

impl Merge {
    /// Begins to merge adjacent runs, oldest first.
    pub(super) fn begin(
        disk: &dyn Disk,
        runs: &[Arc<Table>],
        header: Header,
        courtesy: &Courtesy,
    ) -> Result<Self> {
        let temporary = format!("{}.temporary", run_path(header.first_block, header.last_block));
        let inputs = runs.iter().map(|run| Scanner::new(Arc::clone(run))).collect();
        let writer = room::or_remove(
            disk,
            &temporary,
            TableWriter::create(disk, &temporary, header, courtesy),
        )?;
        Ok(Self { header, inputs, writer, chunk: Vec::new(), temporary })
    }

    /// Merges the next entries, some thousands of them; returns how many, zero at the end.
    ///
    /// Of each input's stretch in memory, everything up to the lowest of the stretches' last
    /// entries can be merged now. What is taken is a few sorted runs one after the other, which
    /// the standard library's stable sort recognises and merges.
    pub(super) fn step(&mut self) -> Result<u64> {
        let mut limit = u128::MAX;
        for input in &mut self.inputs {
            if let Some(last) = input.stretch()?.last() {
                limit = limit.min(*last);
            }
        }
        self.chunk.clear();
        for input in &mut self.inputs {
            let stretch = input.stretch()?;
            let count = stretch.partition_point(|entry| *entry <= limit);
            self.chunk.extend_from_slice(stretch.get(..count).unwrap_or_default());
            input.take(count);
        }
        self.chunk.sort();
        self.writer.extend(&self.chunk)?;
        Ok(self.chunk.len() as u64)
    }

    /// How many entries are still to be merged.
    pub(super) fn left(&self) -> u64 {
        self.header.entries.saturating_sub(self.writer.written())
    }

    /// The file that it writes until it is finished.
    pub(super) fn temporary(&self) -> &str {
        &self.temporary
    }

    /// Makes the merged run durable and returns its path; it supersedes its inputs from then on.
    pub(super) fn finish(self, disk: &dyn Disk) -> Result<String> {
        self.writer.finish()?;
        let path = run_path(self.header.first_block, self.header.last_block);
        disk.rename(&self.temporary, &path)?;
        disk.sync_folder(super::FOLDER)?;
        Ok(path)
    }

    /// Leaves it, and the file that it began.
    pub(super) fn abandon(self, disk: &dyn Disk) -> Result<()> {
        drop(self.writer);
        Ok(disk.remove(&self.temporary)?)
    }
}
