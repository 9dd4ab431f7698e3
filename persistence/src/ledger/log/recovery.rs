//! Opening the log: what a crash may have left is put right, and nothing else is accepted.
//!
//! Only the last file is read as a whole, as `following.rs` does it.

use std::sync::Arc;

use super::super::error::Result;
use super::super::settings::Settings;
use super::directory::{Directory, directory_missing};
use super::file_header::{self, FileHeader, LogState};
use super::following::{End, damaged, find_block, follow};
use super::view::{Active, Log, View};
use super::writer::{LogWriter, create};
use super::{FOLDER, directory_path, file_numbers, records_path};
use crate::disk::{Disk, File};

/// A log that was opened.
pub(in super::super) struct Recovered {
    pub(in super::super) log: Arc<Log>,
    pub(in super::super) writer: LogWriter,
    pub(in super::super) hash_key: [u8; 16],
    /// How many bytes of an interrupted commit were cut off.
    pub(in super::super) torn_bytes: u64,
    /// How many directories of closed files were made anew.
    pub(in super::super) rebuilt_directories: u32,
}

/// Opens the log, or makes an empty one.
pub(in super::super) fn recover(disk: Arc<dyn Disk>, settings: &Settings) -> Result<Recovered> {
    let names = disk.list(FOLDER)?;
    for name in names.iter().filter(|name| name.ends_with(".temporary")) {
        disk.remove(&format!("{FOLDER}/{name}"))?;
    }
    let numbers = file_numbers(&names)?;
    let mut headers = Vec::with_capacity(numbers.len());
    for file in &numbers {
        headers.push(read_header(&*disk, *file, numbers.len(), settings)?);
    }
    let unfinished = headers.last().is_some_and(Option::is_none);
    let headers: Vec<FileHeader> = headers.into_iter().flatten().collect();
    let Some(last) = headers.last() else {
        return make_first(disk, settings, unfinished);
    };
    let hash_key = last.hash_key;
    let records = disk.open(&records_path(last.file))?;
    let mut end = follow(&records, last)?;
    let length = records.length()?;
    if length > end.offset {
        if unfinished {
            // The next file is begun only after this one's last commit is durable.
            let reason = "the last block of a full file is damaged".to_owned();
            return Err(damaged(last.file, end.offset, reason));
        }
        records.set_length(end.offset)?;
    }
    rewrite_last_commit(&*records, last, &end)?;
    records.sync_data()?;
    disk.sync_folder(FOLDER)?;
    if unfinished {
        disk.remove(&records_path(last.file + 1))?;
        disk.sync_folder(FOLDER)?;
    }
    let mut rebuilt_directories = 0;
    for header in headers.iter().take(headers.len() - 1) {
        if directory_missing(&names, header.file) {
            rebuild_directory(&*disk, header)?;
            rebuilt_directories += 1;
        }
    }
    let covered = end.state.covered.clone();
    let mut view = View {
        first_blocks: Vec::new(),
        starts: Default::default(),
        active: Active {
            file: last.file,
            records,
            directory: std::mem::take(&mut end.directory),
            first_block: last.state.next_block,
            written: end.offset,
        },
        tail: Vec::new(),
        open: None,
        durable: covered.clone(),
        covered,
    };
    for header in &headers {
        view.begin_file(header.file, header.state.next_block, &header.state.covered);
    }
    let torn_bytes = length - end.offset;
    let log = Log::new(disk, settings.directory_id, view);
    let writer = LogWriter::new(Arc::clone(&log), end.state, hash_key, settings);
    Ok(Recovered { log, writer, hash_key, torn_bytes, rebuilt_directories })
}

/// Writes the last commit once more (in a file without one, the header). If the last process ended
/// because a sync failed, then the kernel may show these blocks without the disk having them, and
/// without ever writing them; only what is written again is covered by the next sync. Earlier
/// commits were synced, or this one would not have been begun.
fn rewrite_last_commit(records: &dyn File, header: &FileHeader, end: &End) -> Result<()> {
    let Some(start) = end.last_commit else {
        return Ok(records.write_at(&header.encode(), 0)?);
    };
    let mut bytes = vec![0; end.offset.saturating_sub(start) as usize];
    let read = records.read_at(&mut bytes, start)?;
    bytes.truncate(read);
    Ok(records.write_at(&bytes, start)?)
}

/// Makes the directory of a closed file anew from its blocks.
pub(super) fn rebuild_directory(disk: &dyn Disk, header: &FileHeader) -> Result<()> {
    let records = disk.open(&records_path(header.file))?;
    let end = follow(&records, header)?;
    let length = records.length()?;
    if end.offset < length {
        return Err(damaged(header.file, end.offset, "a closed file ends in no block".to_owned()));
    }
    let temporary = format!("{}.temporary", directory_path(header.file));
    // It may be there from an attempt that failed.
    let _ = disk.remove(&temporary);
    end.directory.write(disk, header.directory_id, header.file, header.state.next_block)
}

/// Reads a file's header. `None` is the last file of a crash that interrupted its beginning.
pub(super) fn read_header(
    disk: &dyn Disk,
    file: u32,
    files: usize,
    settings: &Settings,
) -> Result<Option<FileHeader>> {
    let records = disk.open(&records_path(file))?;
    match FileHeader::read(&*records, file, settings.directory_id) {
        Ok(header) => Ok(Some(header)),
        Err(file_header::Fault::Refused(error)) => Err(error),
        Err(file_header::Fault::Broken) => {
            let found = find_block(&records, 0, settings.directory_id, 0)?;
            if found.is_none() && file as usize == files {
                return Ok(None);
            }
            Err(damaged(file, 0, "the header's checksum does not match".to_owned()))
        }
    }
}

fn make_first(disk: Arc<dyn Disk>, settings: &Settings, unfinished: bool) -> Result<Recovered> {
    if unfinished {
        disk.remove(&records_path(1))?;
    }
    let (directory_id, hash_key) = (settings.directory_id, settings.hash_key);
    let header = FileHeader { directory_id, hash_key, file: 1, state: LogState::new() };
    let (records, written) = create(&*disk, &header)?;
    let directory = Directory::default();
    let view = View {
        first_blocks: vec![1],
        starts: Default::default(),
        active: Active { file: 1, records, directory, first_block: 1, written },
        tail: Vec::new(),
        open: None,
        covered: Default::default(),
        durable: Default::default(),
    };
    let log = Log::new(disk, directory_id, view);
    let writer = LogWriter::new(Arc::clone(&log), header.state, hash_key, settings);
    Ok(Recovered { log, writer, hash_key, torn_bytes: 0, rebuilt_directories: 0 })
}
