//! The disk of the operating system.

use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Disk, Error, File, Result, private};

/// A folder of the operating system's file system.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    access: Access,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    ReadWrite,
    ReadOnly,
}

impl RealDisk {
    /// The disk whose root is `root`, which must exist before anything is created in it.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), access: Access::ReadWrite }
    }

    /// The same, but everything that would change something fails; for inspection.
    pub fn read_only(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), access: Access::ReadOnly }
    }

    fn may_change(&self, operation: &'static str, path: &str) -> Result<()> {
        let allowed = match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
        };
        Self::in_context(operation, path, allowed)
    }

    fn resolve(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    fn in_context<T>(operation: &'static str, path: &str, result: io::Result<T>) -> Result<T> {
        result.map_err(|source| Error { operation, path: path.to_owned(), source })
    }

    fn open_with(
        &self,
        operation: &'static str,
        path: &str,
        options: &fs::OpenOptions,
    ) -> Result<Arc<dyn File>> {
        let file = Self::in_context(operation, path, options.open(self.resolve(path)))?;
        Ok(Arc::new(RealFile { path: path.to_owned(), file }))
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &str) -> Result<Arc<dyn File>> {
        let writes = self.access == Access::ReadWrite;
        self.open_with("open", path, fs::OpenOptions::new().read(true).write(writes))
    }

    fn create(&self, path: &str) -> Result<Arc<dyn File>> {
        self.may_change("create", path)?;
        let mut options = fs::OpenOptions::new();
        self.open_with(
            "create",
            path,
            options.read(true).write(true).create_new(true).mode(private::FILE_MODE),
        )
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.may_change("rename", from)?;
        Self::in_context("rename", from, fs::rename(self.resolve(from), self.resolve(to)))
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.may_change("remove", path)?;
        Self::in_context("remove", path, fs::remove_file(self.resolve(path)))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>> {
        let names = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(self.resolve(folder))? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    names.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
            names.sort_unstable();
            Ok(names)
        };
        Self::in_context("list", folder, names())
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        self.may_change("create", folder)?;
        Self::in_context("create", folder, private::create_folder_all(&self.resolve(folder)))
    }

    fn sync_folder(&self, folder: &str) -> Result<()> {
        let sync = || fs::File::open(self.resolve(folder))?.sync_all();
        Self::in_context("sync", folder, sync())
    }

    fn free_bytes(&self) -> Result<u64> {
        let statistics = rustix::fs::statvfs(&self.root).map_err(io::Error::from);
        Self::in_context("read the free space of", "", statistics)
            .map(|statistics| statistics.f_bavail.saturating_mul(statistics.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile {
    path: String,
    file: fs::File,
}

impl RealFile {
    fn in_context<T>(&self, operation: &'static str, result: io::Result<T>) -> Result<T> {
        RealDisk::in_context(operation, &self.path, result)
    }
}

impl File for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.in_context("read", Err(error)),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.in_context("write", self.file.write_all_at(bytes, offset))
    }

    fn sync_data(&self) -> Result<()> {
        self.in_context("sync", self.file.sync_data())
    }

    fn length(&self) -> Result<u64> {
        self.in_context("read the length of", self.file.metadata().map(|data| data.len()))
    }

    fn set_length(&self, length: u64) -> Result<()> {
        self.in_context("set the length of", self.file.set_len(length))
    }
}
