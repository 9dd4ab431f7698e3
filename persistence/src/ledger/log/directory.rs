//! Where the blocks of a log file lie: in memory for the file being written, in a table of its own
//! for a closed one.
//!
//! The table has two entries for each block: its place under (sequence, first number), and under
//! (65,535, running number). Hence no sequence may have the number 65,535.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_domain::sequence::Position;

use super::super::block::Header;
use super::super::error::Result;
use super::super::room;
use super::super::table::{self, CacheBudget, Kind, Table, TableWriter};
use super::{FOLDER, directory_path};
use crate::disk::{Courtesy, Disk};

/// Stands for "by running number" where a sequence stands otherwise.
const BY_BLOCK: u16 = u16::MAX;

/// Where in a log file a block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) offset: u32,
    pub(super) length: u32,
}

/// The directory of the file being written.
#[derive(Debug, Default)]
pub(super) struct Directory {
    blocks: Vec<Extent>,
    positions: BTreeMap<u16, Vec<(u64, u32)>>,
}

impl Directory {
    /// Adds the next block.
    pub(super) fn push(&mut self, header: &Header, offset: u64) {
        let extent = Extent { offset: offset as u32, length: header.block_bytes() as u32 };
        let starts = self.positions.entry(header.sequence.0).or_default();
        starts.push((header.first, self.blocks.len() as u32));
        self.blocks.push(extent);
    }

    /// Where the blocks lie, in order.
    pub(super) fn extents(&self) -> impl Iterator<Item = Extent> {
        self.blocks.iter().copied()
    }

    /// How many blocks it has.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The block with this index within the file.
    pub(super) fn by_index(&self, index: u64) -> Option<Extent> {
        self.blocks.get(usize::try_from(index).ok()?).copied()
    }

    /// The block that holds the position, if it begins in this file.
    pub(super) fn by_position(&self, position: Position) -> Option<Extent> {
        let starts = self.positions.get(&position.sequence.0)?;
        let after = starts.partition_point(|(first, _)| *first <= position.number);
        let (_, index) = starts.get(after.checked_sub(1)?)?;
        self.by_index(u64::from(*index))
    }

    /// Writes the table of a file whose first block this is, and makes it durable.
    pub(super) fn write(
        &self,
        disk: &dyn Disk,
        directory_id: [u8; 16],
        file: u32,
        first_block: u64,
    ) -> Result<()> {
        let path = directory_path(file);
        let temporary = format!("{path}.temporary");
        let header = table::Header {
            kind: Kind::Directory,
            directory_id,
            first_block,
            last_block: first_block + self.blocks.len() as u64 - 1,
            entries: self.blocks.len() as u64 * 2,
        };
        let write = || self.write_to(disk, &temporary, &path, header, first_block);
        room::or_remove(disk, &temporary, write())?;
        Ok(disk.sync_folder(FOLDER)?)
    }

    fn write_to(
        &self,
        disk: &dyn Disk,
        temporary: &str,
        path: &str,
        header: table::Header,
        first_block: u64,
    ) -> Result<()> {
        let mut writer = TableWriter::create(disk, temporary, header, &Courtesy::default())?;
        for (sequence, starts) in &self.positions {
            for (first, index) in starts {
                if let Some(extent) = self.by_index(u64::from(*index)) {
                    writer.extend(&[entry(*sequence, *first, extent)])?;
                }
            }
        }
        for (number, extent) in (first_block..).zip(&self.blocks) {
            writer.extend(&[entry(BY_BLOCK, number, *extent)])?;
        }
        writer.finish()?;
        Ok(disk.rename(temporary, path)?)
    }
}

/// The directory of a closed file.
#[derive(Debug)]
pub(super) struct ClosedDirectory {
    table: Table,
}

impl ClosedDirectory {
    pub(super) fn open(disk: &dyn Disk, directory_id: [u8; 16], file: u32) -> Result<Self> {
        let budget: Arc<CacheBudget> = CacheBudget::new(0);
        let table = Table::open(disk, &directory_path(file), directory_id, budget)?;
        Ok(Self { table })
    }

    pub(super) fn by_block(&self, block: u64) -> Result<Option<Extent>> {
        let found = self.table.before(bound(BY_BLOCK, block))?;
        Ok(found.filter(|entry| upper(*entry) == packed(BY_BLOCK, block)).map(extent))
    }

    pub(super) fn by_position(&self, position: Position) -> Result<Option<Extent>> {
        let found = self.table.before(bound(position.sequence.0, position.number))?;
        let of_sequence = |entry: &u128| (upper(*entry) >> 48) as u16 == position.sequence.0;
        Ok(found.filter(of_sequence).map(extent))
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }
}

/// Whether a closed file has no directory among the names in the log's folder.
pub(super) fn directory_missing(names: &[String], file: u32) -> bool {
    let path = directory_path(file);
    !names.iter().any(|name| path.ends_with(name.as_str()))
}

fn packed(space: u16, number: u64) -> u64 {
    u64::from(space) << 48 | number & ((1 << 48) - 1)
}

fn upper(entry: u128) -> u64 {
    (entry >> 64) as u64
}

fn entry(space: u16, number: u64, extent: Extent) -> u128 {
    let place = u64::from(extent.offset) << 32 | u64::from(extent.length);
    u128::from(packed(space, number)) << 64 | u128::from(place)
}

/// Just after every entry of this number.
fn bound(space: u16, number: u64) -> u128 {
    u128::from(packed(space, number)) << 64 | u128::from(u64::MAX)
}

fn extent(entry: u128) -> Extent {
    Extent { offset: (entry >> 32) as u32, length: entry as u32 }
}
