//! A file that is complete or absent.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Who may read it: its owner. What redeemd writes is worth money.
const MODE: u32 = 0o600;

/// What to do where there is such a file already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// Leave it alone and give up.
    Keep,
    /// Put the new one in its place.
    Replace,
}

/// Why there is no new file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// There is one.
    #[error("{0} exists already; --force replaces it")]
    Exists(PathBuf),
    /// What is there is no file whose place could be taken.
    #[error("{0} is no regular file; `--output -` writes to standard output")]
    Other(PathBuf),
    /// Somebody writes it at this moment.
    #[error("{0} is being written by another process")]
    Busy(PathBuf),
    /// The operating system refused.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A file on its way: it stands beside its place under the name `….part`, until all of it is on the
/// disk. Unless it gets so far, nothing is left of it; only a killed process leaves the `.part`,
/// which the next one writes over.
pub(super) struct NewFile {
    path: PathBuf,
    part: PathBuf,
    existing: Existing,
    output: BufWriter<File>,
    is_finished: bool,
}

impl NewFile {
    /// Begins a file.
    ///
    /// # Errors
    /// When it is there already and shall be kept, or cannot be made.
    pub(super) fn begin(path: &Path, existing: Existing) -> Result<Self, Error> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.is_file() => return Err(Error::Other(path.to_owned())),
            Ok(_) if existing == Existing::Keep => return Err(Error::Exists(path.to_owned())),
            _ => {}
        }
        let mut part = OsString::from(path);
        part.push(".part");
        let part = PathBuf::from(part);
        let failed = |source| Error::Io { path: part.clone(), source };
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(MODE).open(&part);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy(part)),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // What an earlier process left may be readable to others, and be longer.
        file.set_permissions(Permissions::from_mode(MODE)).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        let output = BufWriter::with_capacity(256 * 1024, file);
        Ok(Self { path: path.to_owned(), part, existing, output, is_finished: false })
    }

    /// Where it stands until it is finished.
    pub(super) fn part(&self) -> &Path {
        &self.part
    }

    /// All of it is written: makes it durable, and gives it its name.
    ///
    /// # Errors
    /// When it could not be written to its end, or somebody else made such a file meanwhile.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let written = self.output.flush().and_then(|()| self.output.get_ref().sync_all());
        written.map_err(|source| self.failed(source))?;
        self.take_place()?;
        self.is_finished = true;
        // The name is durable when the folder is.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let synced =
            File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        synced.map_err(|source| self.failed(source))
    }

    fn take_place(&self) -> Result<(), Error> {
        if self.existing == Existing::Keep {
            let renamed = renameat_with(CWD, &self.part, CWD, &self.path, RenameFlags::NOREPLACE);
            match renamed.map_err(io::Error::from) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::Exists(self.path.clone()));
                }
                // Not every file system can do it in one step.
                Err(_) if self.path.exists() => return Err(Error::Exists(self.path.clone())),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
        fs::rename(&self.part, &self.path).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_finished {
            // Whoever cannot remove it finds it under a name that says that it is not complete.
            let _ = fs::remove_file(&self.part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_complete_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codes.csv");
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let mut file = NewFile::begin(&path, Existing::Keep).unwrap();
        file.write_all(b"half of it").unwrap();
        assert!(!path.exists());
        assert!(matches!(NewFile::begin(&path, Existing::Keep), Err(Error::Busy(_))));
        drop(file);
        assert_eq!(names(), 0);

        fs::write(folder.path().join("codes.csv.part"), "left by a killed process").unwrap();
        let mut file = NewFile::begin(&path, Existing::Keep).unwrap();
        file.write_all(b"all").unwrap();
        file.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap(), names()), (b"all".to_vec(), 1));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        assert!(matches!(NewFile::begin(&path, Existing::Keep), Err(Error::Exists(_))));
        let mut file = NewFile::begin(&path, Existing::Replace).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap(), names()), (b"new".to_vec(), 1));
        let other = NewFile::begin(folder.path(), Existing::Replace);
        assert!(matches!(other, Err(Error::Other(_))));
    }

    #[test]
    fn a_file_that_appeared_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codes.csv");
        let file = NewFile::begin(&path, Existing::Keep).unwrap();
        fs::write(&path, "somebody else's").unwrap();
        assert!(matches!(file.finish(), Err(Error::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
        assert!(!folder.path().join("codes.csv.part").exists());
    }
}
