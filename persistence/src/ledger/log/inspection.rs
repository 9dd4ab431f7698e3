//! Looking at the log of a ledger that nobody has open, without changing anything.

use std::io::ErrorKind;
use std::sync::Arc;

use redeemd_domain::sequence::{Position, SequenceId};

use super::super::block::Block;
use super::super::error::{Error, Result};
use super::super::settings::Settings;
use super::file_header::FileHeader;
use super::following::{End, follow};
use super::recovery::read_header;
use super::window::Window;
use super::{FOLDER, file_numbers, records_path};
use crate::disk::{Disk, File};

/// What a log consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// How many files it has.
    pub files: u32,
    /// How many bytes belong to complete commits, headers included.
    pub bytes: u64,
    /// How many blocks.
    pub blocks: u64,
    /// How many records.
    pub records: u64,
    /// How many bytes of a commit that a crash interrupted stand at its end.
    pub torn_bytes: u64,
    /// Up to which entry it has each sequence.
    pub covered: Vec<(SequenceId, u64)>,
}

/// Checks the log from its first byte to its last: checksums, and the chain of blocks over all
/// files. Gives every record to `visit`. Neither the index nor the directories are looked at: they
/// are derived, and the next open repairs them.
///
/// # Errors
/// The first damage that it meets, or the disk's failure.
pub fn inspect(
    disk: &dyn Disk,
    directory_id: [u8; 16],
    visit: &mut dyn FnMut(Position, &[u8]),
) -> Result<Inspection> {
    let mut found = Inspection::default();
    for_each_file(disk, directory_id, &mut |file| {
        found.files += 1;
        found.bytes += file.end.offset;
        found.torn_bytes += file.length - file.end.offset;
        let covered = file.end.state.covered.iter();
        found.covered = covered.map(|(&sequence, &last)| (SequenceId(sequence), last)).collect();
        file.for_each_block(&mut |block, _| {
            found.blocks += 1;
            for record in block.records() {
                found.records += 1;
                visit(record.position, record.bytes);
            }
        })
    })?;
    Ok(found)
}

/// A log file that was read.
pub(super) struct ReadFile {
    pub(super) header: FileHeader,
    pub(super) records: Arc<dyn File>,
    pub(super) end: End,
    pub(super) length: u64,
}

/// Gives every file to `visit`, in order; each begins where the one before it ends.
pub(super) fn for_each_file(
    disk: &dyn Disk,
    directory_id: [u8; 16],
    visit: &mut dyn FnMut(&ReadFile) -> Result<()>,
) -> Result<()> {
    let settings = Settings::new(directory_id, [0; 16]);
    let names = match disk.list(FOLDER) {
        Err(error) if error.source.kind() == ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let numbers = file_numbers(&names)?;
    let mut state = None;
    for &number in &numbers {
        // Without a header it is the last one, whose beginning a crash interrupted.
        let Some(header) = read_header(disk, number, numbers.len(), &settings)? else { break };
        let damaged = |offset, reason: &str| Error::DamagedLog {
            path: records_path(number),
            offset,
            reason: reason.to_owned(),
        };
        if state.is_some_and(|state| state != header.state) {
            return Err(damaged(0, "it does not begin where the file before it ends"));
        }
        let records = disk.open(&records_path(number))?;
        let end = follow(&records, &header)?;
        let length = records.length()?;
        if end.offset != length && number as usize != numbers.len() {
            return Err(damaged(end.offset, "the block's checksum does not match"));
        }
        state = Some(end.state.clone());
        visit(&ReadFile { header, records, end, length })?;
    }
    Ok(())
}

impl ReadFile {
    /// Gives every block of a complete commit to `visit`, with the offset behind it.
    pub(super) fn for_each_block(&self, visit: &mut dyn FnMut(&Block<'_>, u64)) -> Result<()> {
        let mut window = Window::new(Arc::clone(&self.records));
        let mut offset = self.header.length() as u64;
        while offset < self.end.offset {
            let block = window.block(offset)?.map_err(|fault| Error::DamagedLog {
                path: records_path(self.header.file),
                offset,
                reason: fault.reason().to_owned(),
            })?;
            offset += block.header.block_bytes();
            visit(&block, offset);
        }
        Ok(())
    }
}
