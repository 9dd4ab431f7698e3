//! Beginning the next file of the log.

use std::sync::Arc;

use super::LogWriter;
use crate::disk::{Disk, File};
use crate::ledger::error::Result;
use crate::ledger::log::cut::fine_if_missing;
use crate::ledger::log::directory::Directory;
use crate::ledger::log::file_header::FileHeader;
use crate::ledger::log::view::Active;
use crate::ledger::log::{FOLDER, records_path};

impl LogWriter {
    /// Begins the next file, if there is room for it; otherwise this one is written on.
    pub(super) fn begin_next_file(&mut self) -> Result<()> {
        match self.try_begin_next_file() {
            Err(error) if error.is_for_want_of_space() => Ok(()),
            other => other,
        }
    }

    /// Makes the directory of the full file durable before the next file: whatever is closed has its
    /// directory, and one that is written on gets another in its place.
    fn try_begin_next_file(&mut self) -> Result<()> {
        let log = Arc::clone(&self.log);
        let file = log.view().active.file + 1;
        let header = FileHeader {
            directory_id: log.directory_id,
            hash_key: self.hash_key,
            file,
            state: self.state.clone(),
        };
        {
            let view = log.view();
            let Active { directory, file, first_block, .. } = &view.active;
            directory.write(&*log.disk, log.directory_id, *file, *first_block)?;
        }
        let (records, length) = match create(&*log.disk, &header) {
            Err(error) if error.is_for_want_of_space() => {
                // Were its name there after a crash, no torn end would be allowed here any more.
                log.disk.remove(&records_path(file)).or_else(fine_if_missing)?;
                log.disk.sync_folder(FOLDER)?;
                return Err(error);
            }
            created => created?,
        };
        let mut view = log.view_mut();
        view.begin_file(file, self.state.next_block, &self.state.covered);
        view.active = Active {
            file,
            records,
            directory: Directory::default(),
            first_block: self.state.next_block,
            written: length,
        };
        Ok(())
    }
}

/// Creates a log file with its header, durably, and returns it with the header's length.
pub(in crate::ledger::log) fn create(
    disk: &dyn Disk,
    header: &FileHeader,
) -> Result<(Arc<dyn File>, u64)> {
    let records = disk.create(&records_path(header.file))?;
    let bytes = header.encode();
    records.write_at(&bytes, 0)?;
    records.sync_data()?;
    disk.sync_folder(FOLDER)?;
    Ok((records, bytes.len() as u64))
}
