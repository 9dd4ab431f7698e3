//! Room on the disk for what the ledger writes next.
//!
//! The ledger is on no answer's path, so it need not fail where it can wait: it looks before it
//! writes, and keeps in memory what finds no room. The journal stops with more room left than that
//! (its `minimum_free_bytes`), so that ledger and snapshots come to an end with what they have.

use std::io::ErrorKind;

use super::error::{Error, Result};
use crate::disk::Disk;

/// Bytes that are to be free besides what is written: for folders and the file system's own needs.
const SPARE_BYTES: u64 = 256 << 10;

/// Whether so many bytes can be written. A disk that does not say is believed to have room: the
/// write itself will tell.
///
/// # Errors
/// [`Error::NoSpace`].
pub(super) fn check(disk: &dyn Disk, bytes: u64) -> Result<()> {
    let needed_bytes = bytes.saturating_add(SPARE_BYTES);
    match disk.free_bytes() {
        Ok(free_bytes) if free_bytes < needed_bytes => {
            Err(Error::NoSpace { free_bytes, needed_bytes })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Removes a file for which there was no room, so that it can be begun again.
pub(super) fn or_remove<T>(disk: &dyn Disk, temporary: &str, result: Result<T>) -> Result<T> {
    if result.as_ref().is_err_and(Error::is_for_want_of_space) {
        match disk.remove(temporary) {
            Err(error) if error.source.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    result
}
