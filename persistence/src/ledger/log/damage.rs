//! Finding out how much of a damaged log is whole, without changing anything. Cut off behind that
//! ([`super::cut`]), it can be opened, and a journal that reaches back so far brings back the rest.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use redeemd_domain::sequence::SequenceId;

use super::super::error::{Error, Result};
use super::super::index;
use super::super::settings::Settings;
use super::cut::Cut;
use super::file_header::LogState;
use super::following::follow_to_damage;
use super::recovery::read_header;
use super::{FOLDER, numbers, records_path};
use crate::disk::Disk;

/// Why a log is refused, and what of it is whole.
#[derive(Debug)]
pub struct Damage {
    /// Why.
    pub error: Error,
    /// Where it would be cut off so that it is whole.
    pub cut: Cut,
}

/// What is whole, so far.
struct Whole {
    file: u32,
    offset: u64,
    state: LogState,
}

/// Says why the ledger is refused when it is opened, and where it would have to be cut off; `None`
/// when it is not. Changes nothing.
///
/// # Errors
/// When it belongs to another directory or a newer version, or the disk fails.
pub fn assess_damage(disk: &dyn Disk, directory_id: [u8; 16]) -> Result<Option<Damage>> {
    let mut whole = Whole { file: 0, offset: 0, state: LogState::new() };
    let error = match find_damage(disk, directory_id, &mut whole)? {
        Some(error) => Some(error),
        None => lost_end(disk, whole.state.next_block - 1)?,
    };
    let covered: &BTreeMap<u16, u64> = &whole.state.covered;
    Ok(error.map(|error| Damage {
        error,
        cut: Cut {
            file: whole.file,
            offset: whole.offset,
            covered: covered.iter().map(|(&id, &last)| (SequenceId(id), last)).collect(),
            lost_records: 0,
        },
    }))
}

/// Walks over the files, up to the first damage.
fn find_damage(
    disk: &dyn Disk,
    directory_id: [u8; 16],
    whole: &mut Whole,
) -> Result<Option<Error>> {
    let settings = Settings::new(directory_id, [0; 16]);
    let names = match disk.list(FOLDER) {
        Err(error) if error.source.kind() == ErrorKind::NotFound => return Ok(None),
        names => names?,
    };
    let numbers = numbers(&names);
    for &file in &numbers {
        let damaged = |file, offset, reason: &str| {
            let reason = reason.to_owned();
            Ok(Some(Error::DamagedLog { path: records_path(file), offset, reason }))
        };
        if file != whole.file + 1 {
            return damaged(whole.file + 1, 0, "the file is missing, though later ones are there");
        }
        let header = match read_header(disk, file, numbers.len(), &settings) {
            Ok(Some(header)) => header,
            // It is the last one, whose beginning a crash interrupted.
            Ok(None) => return Ok(None),
            Err(error @ Error::DamagedLog { .. }) => return Ok(Some(error)),
            Err(error) => return Err(error),
        };
        if file > 1 && header.state != whole.state {
            return damaged(file, 0, "it does not begin where the file before it ends");
        }
        let records = disk.open(&records_path(file))?;
        let (end, damage) = follow_to_damage(&records, &header)?;
        *whole = Whole { file, offset: end.offset, state: end.state };
        if damage.is_some() {
            return Ok(damage);
        }
        if end.offset != records.length()? && numbers.last() != Some(&file) {
            return damaged(file, end.offset, "the block's checksum does not match");
        }
    }
    Ok(None)
}

/// Says that the index has seen more of the log than there is, if so. `log_end` is the log's last
/// block.
///
/// # Errors
/// When the disk fails.
pub fn lost_end(disk: &dyn Disk, log_end: u64) -> Result<Option<Error>> {
    let seen = index::last_run(disk)?.filter(|(index_end, _)| *index_end > log_end);
    Ok(seen.map(|(index_end, path)| Error::LogEndLost { log_end, index_end, path }))
}
