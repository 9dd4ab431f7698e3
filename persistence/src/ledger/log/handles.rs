//! The closed log files that are open just now: a few, however many there are.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::error::Result;
use super::directory::ClosedDirectory;
use super::records_path;
use crate::disk::{Disk, File};

/// How many closed files stay open; each takes two handles of the operating system.
const CAPACITY: usize = 32;

/// A closed log file and its directory.
#[derive(Debug)]
pub(super) struct ClosedFile {
    pub(super) file: u32,
    pub(super) records: Arc<dyn File>,
    pub(super) directory: ClosedDirectory,
}

/// The open ones, the one used last at the front.
#[derive(Debug, Default)]
pub(super) struct Handles {
    files: Mutex<Vec<Arc<ClosedFile>>>,
}

impl Handles {
    pub(super) fn get(
        &self,
        disk: &dyn Disk,
        directory_id: [u8; 16],
        file: u32,
    ) -> Result<Arc<ClosedFile>> {
        {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(index) = files.iter().position(|open| open.file == file) {
                let open = files.remove(index);
                files.insert(0, Arc::clone(&open));
                return Ok(open);
            }
        }
        let records = disk.open(&records_path(file))?;
        let directory = ClosedDirectory::open(disk, directory_id, file)?;
        let open = Arc::new(ClosedFile { file, records, directory });
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.truncate(CAPACITY - 1);
        files.insert(0, Arc::clone(&open));
        Ok(open)
    }

    /// Forgets a file, so that its directory is read anew.
    pub(super) fn forget(&self, file: u32) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|open| open.file != file);
    }
}
