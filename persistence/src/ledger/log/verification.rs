//! Checking the log from its first byte to its last.

use std::sync::Arc;

use super::super::error::{Error, Result};
use super::super::settings::Settings;
use super::super::verification::FileListing;
use super::directory::ClosedDirectory;
use super::following::follow;
use super::recovery::{read_header, rebuild_directory};
use super::view::Log;
use super::{directory_path, records_path};

/// What the log consists of.
pub(in super::super) struct Verified {
    pub(in super::super) log_files: u32,
}

impl Log {
    /// Follows the chain of blocks through all files and compares it with the directories.
    pub(in super::super) fn verify(&self, settings: &Settings) -> Result<Verified> {
        let (active, written) = {
            let view = self.view();
            (view.active.file, view.active.written)
        };
        let mut state = None;
        for file in 1..=active {
            let damaged = |offset, reason: &str| Error::DamagedLog {
                path: records_path(file),
                offset,
                reason: reason.to_owned(),
            };
            let header = read_header(&*self.disk, file, 0, settings)?
                .ok_or_else(|| damaged(0, "the header's checksum does not match"))?;
            if state.is_some_and(|state| state != header.state) {
                return Err(damaged(0, "it does not begin where the file before it ends"));
            }
            let records = self.disk.open(&records_path(file))?;
            let end = follow(&records, &header)?;
            let length = if file == active { written } else { records.length()? };
            if end.offset != length {
                return Err(damaged(end.offset, "the block's checksum does not match"));
            }
            if file != active {
                let closed = ClosedDirectory::open(&*self.disk, self.directory_id, file)?;
                closed.table().verify(|_| ())?;
                for (number, extent) in (header.state.next_block..).zip(end.directory.extents()) {
                    if closed.by_block(number)? != Some(extent) {
                        return Err(Error::DamagedIndex {
                            path: directory_path(file),
                            offset: 0,
                            reason: format!("block {number} lies elsewhere"),
                        });
                    }
                }
            }
            state = Some(end.state);
        }
        Ok(Verified { log_files: active })
    }

    /// Makes a closed file's directory anew, if that is what the path names.
    pub(in super::super) fn repair_directory(
        self: &Arc<Self>,
        path: &str,
        settings: &Settings,
    ) -> Result<bool> {
        let active = self.view().active.file;
        let Some(file) = (1..active).find(|file| directory_path(*file) == path) else {
            return Ok(false);
        };
        let Some(header) = read_header(&*self.disk, file, 0, settings)? else { return Ok(false) };
        rebuild_directory(&*self.disk, &header)?;
        self.handles.forget(file);
        Ok(true)
    }

    /// The files, with the bytes of each that are durable.
    pub(in super::super) fn files(&self) -> Result<Vec<FileListing>> {
        let (active, written) = {
            let view = self.view();
            (view.active.file, view.active.written)
        };
        let mut files = Vec::new();
        for file in 1..active {
            for path in [records_path(file), directory_path(file)] {
                let bytes = self.disk.open(&path)?.length()?;
                files.push(FileListing { path, bytes });
            }
        }
        files.push(FileListing { path: records_path(active), bytes: written });
        Ok(files)
    }
}
