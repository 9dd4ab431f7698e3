//! Opening the log: what a crash may have left is put right, and nothing else is accepted.
//!
//! Only the last file is read as a whole. Its blocks are followed up to the end, or up to the
//! first fault. A fault is a torn end, and is cut off, where everything after the last complete
//! commit can belong to the one commit that a crash can interrupt. Where any later commit left a
//! block behind it, the commit before that had been durable, so the fault is damage.

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::super::block::{self, Fault, Header};
use super::super::error::{Error, Result};
use super::super::settings::Settings;
use super::directory::{Directory, directory_missing};
use super::file_header::{self, FileHeader, LogState};
use super::view::{Active, Log, View};
use super::window::Window;
use super::writer::{LogWriter, create};
use super::{FOLDER, directory_path, records_path};
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

/// The numbers of the log files, from 1 on without a gap.
pub(super) fn file_numbers(names: &[String]) -> Result<Vec<u32>> {
    let numbers = numbers(names);
    if let Some((expected, _)) = (1..).zip(&numbers).find(|(expected, file)| expected != *file) {
        let reason = "the file is missing, though later ones are there".to_owned();
        return Err(Error::DamagedLog { path: records_path(expected), offset: 0, reason });
    }
    Ok(numbers)
}

/// The numbers of the log files, in order.
pub(super) fn numbers(names: &[String]) -> Vec<u32> {
    let numbers = names.iter().filter_map(|name| name.strip_suffix(".records"));
    let mut numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
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

/// Where the last complete commit of a file ends.
pub(super) struct End {
    pub(super) offset: u64,
    /// Where that commit begins; `None` where there is none in this file.
    last_commit: Option<u64>,
    pub(super) state: LogState,
    pub(super) directory: Directory,
}

/// Follows a file's blocks to the end of its last complete commit, and refuses damage.
pub(super) fn follow(records: &Arc<dyn File>, header: &FileHeader) -> Result<End> {
    match follow_to_damage(records, header)? {
        (end, None) => Ok(end),
        (_, Some(damage)) => Err(damage),
    }
}

/// The same, up to the damage, if there is any.
pub(super) fn follow_to_damage(
    records: &Arc<dyn File>,
    header: &FileHeader,
) -> Result<(End, Option<Error>)> {
    let mut window = Window::new(Arc::clone(records));
    let mut state = header.state.clone();
    let mut offset = header.length() as u64;
    let directory = Directory::default();
    let mut end = End { offset, last_commit: None, state: state.clone(), directory };
    let mut pending = Vec::new();
    let length = records.length()?;
    while offset < length {
        let block = match window.block(offset)? {
            Ok(block) if block.header.directory_id == header.directory_id => block.header,
            Ok(_) => return Err(Error::Foreign { path: records_path(header.file) }),
            Err(Fault::Version(version)) => {
                let path = records_path(header.file);
                return Err(Error::NewerFormat { path, version, supported: 1 });
            }
            Err(fault) => {
                let (reason, after) = (fault.reason(), end.state.next_commit);
                let damage = damage_at(records, header, &state, after, offset, reason)?;
                return Ok((end, damage));
            }
        };
        if let Err(reason) = chain(&mut state, &block) {
            let after = end.state.next_commit;
            let damage = damage_at(records, header, &state, after, offset, reason)?;
            return Ok((end, damage));
        }
        pending.push((block, offset));
        offset += block.block_bytes();
        if block.last_of_commit {
            state.next_commit += 1;
            end.last_commit = pending.first().map(|(_, offset)| *offset);
            for (block, offset) in pending.drain(..) {
                end.directory.push(&block, offset);
            }
            (end.offset, end.state) = (offset, state.clone());
        }
    }
    Ok((end, None))
}

/// Takes a block as the next one, or says why it is not.
pub(super) fn chain(state: &mut LogState, block: &Header) -> std::result::Result<(), &'static str> {
    let covered = state.covered.get(&block.sequence.0).copied().unwrap_or(0);
    if block.block != state.next_block {
        return Err("a block is missing before it");
    }
    if block.previous_checksum != state.previous_checksum {
        return Err("it does not follow the block before it");
    }
    if block.commit != state.next_commit {
        return Err("it belongs to another commit");
    }
    if block.first != covered + 1 || block.last < block.first {
        return Err("its numbers do not follow those of its sequence");
    }
    state.next_block += 1;
    state.previous_checksum = block.checksum;
    state.covered.insert(block.sequence.0, block.last);
    Ok(())
}

/// A fault that no crash can explain is damage.
fn damage_at(
    records: &Arc<dyn File>,
    header: &FileHeader,
    state: &LogState,
    interrupted_commit: u64,
    offset: u64,
    reason: &str,
) -> Result<Option<Error>> {
    let Some(later) = find_block(records, offset, header.directory_id, interrupted_commit)? else {
        return Ok(None);
    };
    let covered = state
        .covered
        .iter()
        .map(|(sequence, number)| format!("{} {number}", SequenceId(*sequence)));
    let covered = covered.collect::<Vec<_>>().join(", ");
    let reason = format!(
        "block {}: {reason}; block {} of a later commit follows ({} {} to {}), so this was \
         durable; whole up to: {covered}",
        state.next_block, later.block, later.sequence, later.first, later.last,
    );
    Ok(Some(damaged(header.file, offset, reason)))
}

/// The first whole block at or after `start` whose commit is later than `after_commit`.
fn find_block(
    records: &Arc<dyn File>,
    start: u64,
    directory_id: [u8; 16],
    after_commit: u64,
) -> Result<Option<Header>> {
    const STRETCH: usize = 64 << 10;
    let mut window = Window::new(Arc::clone(records));
    let mut at = start;
    loop {
        let bytes = window.bytes(at, STRETCH)?;
        if bytes.len() < block::HEADER_BYTES {
            return Ok(None);
        }
        let found = bytes.windows(block::MAGIC.len()).position(|bytes| bytes == block::MAGIC);
        let Some(index) = found else {
            at += (bytes.len() - block::MAGIC.len() + 1) as u64;
            continue;
        };
        let place = at + index as u64;
        if let Ok(block) = window.block(place)?
            && block.header.directory_id == directory_id
            && block.header.commit > after_commit
        {
            return Ok(Some(block.header));
        }
        at = place + 1;
    }
}

fn damaged(file: u32, offset: u64, reason: String) -> Error {
    Error::DamagedLog { path: records_path(file), offset, reason }
}
