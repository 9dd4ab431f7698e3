//! Cutting the log off where it goes beyond what a salvaged journal has. It is cut after a whole
//! commit; what the journal has beyond that is appended again when the server starts.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use redeemd_domain::sequence::{Position, SequenceId};

use super::super::error::Result;
use super::super::index;
use super::inspection::for_each_file;
use super::{FOLDER, directory_path, numbers, records_path};
use crate::disk::{self, Disk};

const STEP_BYTES: usize = 1 << 20;

/// Where the log would be cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file in which it would end; 0 where nothing of it would be left.
    pub file: u32,
    /// The byte of it at which it would end.
    pub offset: u64,
    /// Up to which entry it would have each sequence.
    pub covered: Vec<(SequenceId, u64)>,
    /// How many records that nothing brings back would be lost.
    pub lost_records: u64,
}

/// Says where the log would have to be cut off so that it has no sequence beyond its `ends`, and
/// gives `visit` every record beyond them. `None` when it goes nowhere beyond. Changes nothing.
///
/// # Errors
/// When the log is damaged or the disk fails.
pub fn assess_cut(
    disk: &dyn Disk,
    directory_id: [u8; 16],
    ends: &dyn Fn(SequenceId) -> u64,
    visit: &mut dyn FnMut(Position, &[u8]),
) -> Result<Option<Cut>> {
    let mut cut: Option<Cut> = None;
    let mut lost_records = 0;
    for_each_file(disk, directory_id, &mut |file| {
        let mut covered: BTreeMap<u16, u64> = file.header.state.covered.clone();
        let mut whole = (file.header.length() as u64, covered.clone());
        file.for_each_block(&mut |block, offset| {
            let header = &block.header;
            let end = ends(header.sequence);
            covered.insert(header.sequence.0, header.last);
            if header.last > end {
                let (offset, covered) = &whole;
                cut.get_or_insert_with(|| Cut {
                    file: file.header.file,
                    offset: *offset,
                    covered: covered.iter().map(|(&id, &last)| (SequenceId(id), last)).collect(),
                    lost_records: 0,
                });
                for record in block.records().filter(|record| record.position.number > end) {
                    lost_records += 1;
                    visit(record.position, record.bytes);
                }
            }
            if header.last_of_commit {
                whole = (offset, covered.clone());
            }
        })
    })?;
    Ok(cut.map(|cut| Cut { lost_records, ..cut }))
}

/// Cuts the log off, and drops the index, which the next open makes anew. What is cut off is kept
/// beside it. Returns the names of what is kept.
///
/// # Errors
/// When the disk fails; it can then be assessed and done again.
pub fn cut(disk: &dyn Disk, cut: &Cut) -> Result<Vec<String>> {
    for name in disk.list(index::FOLDER).or_else(none_if_missing)? {
        disk.remove(&format!("{}/{name}", index::FOLDER))?;
    }
    let mut kept = Vec::new();
    // The last files first: what is left then ends at a file's end and can be cut again.
    // Where one is missing, those behind it are cut off.
    for file in numbers(&disk.list(FOLDER)?).into_iter().rev() {
        if file < cut.file {
            break;
        }
        disk.remove(&directory_path(file)).or_else(fine_if_missing)?;
        let (path, aside) = (records_path(file), unused_name(disk, &records_path(file))?);
        if file > cut.file {
            disk.rename(&path, &aside)?;
        } else {
            copy(disk, &path, &aside)?;
            let records = disk.open(&path)?;
            records.set_length(cut.offset)?;
            records.sync_data()?;
        }
        disk.sync_folder(FOLDER)?;
        kept.push(aside);
    }
    Ok(kept)
}

fn unused_name(disk: &dyn Disk, path: &str) -> Result<String> {
    let names = disk.list(FOLDER)?;
    let is_used = |candidate: &str| names.iter().any(|name| candidate.ends_with(name.as_str()));
    let mut candidate = format!("{path}.cut");
    let mut attempt = 1;
    while is_used(&candidate) {
        attempt += 1;
        candidate = format!("{path}.cut-{attempt}");
    }
    Ok(candidate)
}

fn copy(disk: &dyn Disk, from: &str, to: &str) -> Result<()> {
    let (from, to) = (disk.open(from)?, disk.create(to)?);
    let mut buffer = vec![0; STEP_BYTES];
    let mut at = 0;
    loop {
        let count = from.read_at(&mut buffer, at)?;
        to.write_at(buffer.get(..count).unwrap_or_default(), at)?;
        at += count as u64;
        if count < buffer.len() {
            return Ok(to.sync_data()?);
        }
    }
}

fn none_if_missing(error: disk::Error) -> disk::Result<Vec<String>> {
    if error.source.kind() == ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) }
}

/// Takes it for done that a file is removed that is not there.
pub(super) fn fine_if_missing(error: disk::Error) -> disk::Result<()> {
    if error.source.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
