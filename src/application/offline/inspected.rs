//! A journal to look at: itself, or a copy of it where looking would change it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redeemd_persistence::disk::{Disk, RealDisk};
use redeemd_persistence::journal::{Engine, Options};
use tempfile::TempDir;

use super::super::storage;
use super::{Error, Offline};

/// A journal that can be looked at.
pub(super) struct Inspected {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) options: Options,
    /// Removed when this is dropped.
    _copy: Option<TempDir>,
}

impl Offline {
    /// The journal, to be looked at. A journal in sled is copied beside the data directory.
    pub(super) fn inspected(&self) -> Result<Inspected, Error> {
        let path = self.directory.path();
        let identity = self.identity();
        let mut engine = storage::engine(&self.settings, &identity.engine, path)?;
        let mut copy = None;
        if let Engine::Sled { folder, .. } = &mut engine {
            let copied = copy_beside(path, folder)?;
            *folder = copied.path().join("sled");
            copy = Some(copied);
        }
        Ok(Inspected {
            disk: Arc::new(RealDisk::read_only(path)),
            options: Options {
                directory: identity.id,
                engine,
                minimum_free_bytes: 0,
                reserve_bytes: 0,
            },
            _copy: copy,
        })
    }
}

/// Copies a folder into a temporary one beside the data directory, under the name `sled`.
fn copy_beside(directory: &Path, folder: &Path) -> Result<TempDir, Error> {
    let beside = parent(directory);
    let mut files = Vec::new();
    list(folder, &mut files)?;
    let mut needed = 0;
    for file in &files {
        needed += file.metadata().map_err(Error::io("read", file))?.len();
    }
    let free = RealDisk::read_only(&beside).free_bytes()?;
    if free < needed {
        return Err(Error::NoRoomForCopy { folder: beside, needed, free });
    }
    let copy = tempfile::Builder::new().prefix(".redeemd-inspect-").tempdir_in(&beside);
    let copy = copy.map_err(Error::io("make a folder in", &beside))?;
    let target = copy.path().join("sled");
    fs::create_dir(&target).map_err(Error::io("make", &target))?;
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file);
        let to = target.join(name);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(Error::io("make", parent))?;
        }
        fs::copy(&file, &to).map_err(Error::io("copy", &file))?;
    }
    Ok(copy)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The folder in which something is.
pub(super) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) => PathBuf::from("."),
        None => path.to_owned(),
    }
}
