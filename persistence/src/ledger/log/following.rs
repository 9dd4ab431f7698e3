//! Following the blocks of a file up to its end, or up to the first fault.
//!
//! A fault is a torn end where everything after the last complete commit can belong to the one
//! commit that a crash can interrupt. Where any later commit left a block behind it, the commit
//! before that had been durable, so the fault is damage.

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::super::block::{self, Fault, Header};
use super::super::error::{Error, Result};
use super::directory::Directory;
use super::file_header::{FileHeader, LogState};
use super::records_path;
use super::window::Window;
use crate::disk::File;

/// Where the last complete commit of a file ends.
pub(super) struct End {
    pub(super) offset: u64,
    /// Where that commit begins; `None` where there is none in this file.
    pub(super) last_commit: Option<u64>,
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
fn chain(state: &mut LogState, block: &Header) -> std::result::Result<(), &'static str> {
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
pub(super) fn find_block(
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

/// A file is damaged at a place, for a reason.
pub(super) fn damaged(file: u32, offset: u64, reason: String) -> Error {
    Error::DamagedLog { path: records_path(file), offset, reason }
}
