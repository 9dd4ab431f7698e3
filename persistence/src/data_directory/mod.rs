//! The data directory: who it is, how it is laid out, and that one process at a time has it.
//!
//! | name | what |
//! | --- | --- |
//! | `lock` | held by the process that uses the directory |
//! | `identity` | see [`Identity`]; written when it is made, and anew when its journal is exchanged |
//! | `journal/`, `ledger/`, `snapshots/` | see the modules of these names |
//! | `journal.exchange`, `journal.new/`, `journal.old/` | see [`crate::exchange`] |

mod identity;

pub use identity::{Epoch, FORMAT_VERSION, Identity};

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use crate::disk::{Disk, RealDisk, private};
use crate::exchange;
use identity::{IDENTITY, read_identity};
pub(crate) use identity::{parse_identity, write_identity};

const LOCK: &str = "lock";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process uses it.
    #[error(
        "the data directory {path} is in use by another process{holder}; stop that one or choose \
         another data_dir"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// `" (pid 123)"`, where the lock file tells.
        holder: String,
    },
    /// It was made by a newer version.
    #[error(
        "the data directory {path} has format {found}, and this redeemd knows formats up to \
         {FORMAT_VERSION}; use a newer redeemd"
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// The format that was found.
        found: u16,
    },
    /// Its identity file is not what was written.
    #[error("{path} is damaged: {what}; restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// There is none.
    #[error("there is no data directory at {path}; name another one by data_dir")]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It has something in it, but no identity.
    #[error("{path} is not empty and is no data directory; choose another data_dir")]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// With what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A data directory that this process has for itself until it is dropped.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    identity: Identity,
    is_new: bool,
    _lock: fs::File,
}

impl DataDirectory {
    /// Opens a data directory, or makes one with the identity that `make` gives.
    ///
    /// # Errors
    /// See [`Error`]; nothing that was there has been changed then.
    pub fn open(path: &Path, make: impl FnOnce() -> Identity) -> Result<Self, Error> {
        let existed = path.exists();
        if !existed {
            private::create_folder_all(path).map_err(|source| io_error("create", path, source))?;
        }
        let identity_path = path.join(IDENTITY);
        if !identity_path.exists() && !is_unused(path)? {
            return Err(Error::Foreign { path: path.to_owned() });
        }
        let lock = lock(path)?;
        exchange::complete(path)?;
        let is_new = !identity_path.exists();
        let identity = if is_new {
            let identity = make();
            write_identity(path, &identity)?;
            identity
        } else {
            read_identity(path, &identity_path)?
        };
        Ok(Self { path: path.to_owned(), identity, is_new, _lock: lock })
    }

    /// Opens a data directory that must be there.
    ///
    /// # Errors
    /// See [`Error`]; nothing that was there has been changed then.
    pub fn open_existing(path: &Path) -> Result<Self, Error> {
        let identity_path = path.join(IDENTITY);
        if !identity_path.exists() {
            return Err(Error::Missing { path: path.to_owned() });
        }
        let lock = lock(path)?;
        exchange::complete(path)?;
        let identity = read_identity(path, &identity_path)?;
        Ok(Self { path: path.to_owned(), identity, is_new: false, _lock: lock })
    }

    /// Makes a data directory of a folder that has everything but an identity.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn adopt(path: &Path, identity: Identity) -> Result<Self, Error> {
        let lock = lock(path)?;
        write_identity(path, &identity)?;
        Ok(Self { path: path.to_owned(), identity, is_new: true, _lock: lock })
    }

    /// What it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Makes it another one from now on, durably.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn become_another(&mut self, identity: Identity) -> Result<(), Error> {
        write_identity(&self.path, &identity)?;
        self.identity = identity;
        Ok(())
    }

    /// Whether it was made just now.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its files.
    pub fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(RealDisk::new(&self.path))
    }
}

/// Whether there is nothing in the directory but what a start that failed early may have left.
fn is_unused(path: &Path) -> Result<bool, Error> {
    let entries = fs::read_dir(path).map_err(|source| io_error("read", path, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| io_error("read", path, source))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name != LOCK && name != "lost+found" && name != format!("{IDENTITY}.partial") {
            return Ok(false);
        }
    }
    Ok(true)
}

fn lock(path: &Path) -> Result<fs::File, Error> {
    let lock_path = path.join(LOCK);
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(private::FILE_MODE)
        .open(&lock_path)
        .map_err(|source| io_error("open", &lock_path, source))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let pid = fs::read_to_string(&lock_path).unwrap_or_default();
            let pid = pid.trim();
            let known = !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit());
            let holder = if known { format!(" (pid {pid})") } else { String::new() };
            return Err(Error::Locked { path: path.to_owned(), holder });
        }
        Err(error) => return Err(io_error("lock", &lock_path, error.into())),
    }
    // The number only helps whoever is refused; a full disk must not keep the holder from starting.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

pub(crate) fn io_error(operation: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { operation, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::DirectoryId;

    fn identity() -> Identity {
        Identity::new(DirectoryId([0xAB; 16]), 8, "segment")
    }

    fn open(path: &Path) -> Result<DataDirectory, Error> {
        DataDirectory::open(path, identity)
    }

    #[test]
    fn a_directory_keeps_the_identity_that_it_was_made_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        assert!(open(&path).unwrap().is_new());
        let other = || Identity { shards: 16, ..identity() };
        let again = DataDirectory::open(&path, other).unwrap();
        assert_eq!((again.is_new(), again.identity()), (false, &identity()));
    }

    #[test]
    fn nobody_else_may_read_what_is_made() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("above/data");
        let directory = open(&path).unwrap();
        directory.disk().create_folder("journal/deeper").unwrap();
        directory.disk().create("journal/deeper/file").unwrap();
        let mode = |name: &str| {
            let path = folder.path().join("above").join(name);
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        };
        assert_eq!((mode("data"), mode("data/lock")), (0o700, 0o600));
        assert_eq!((mode("data/journal/deeper"), mode("data/journal/deeper/file")), (0o700, 0o600));
        // A folder that somebody made keeps the rights that it was given.
        let given = folder.path().join("given");
        fs::create_dir(&given).unwrap();
        fs::set_permissions(&given, fs::Permissions::from_mode(0o750)).unwrap();
        open(&given).unwrap();
        assert_eq!(fs::metadata(&given).unwrap().permissions().mode() & 0o777, 0o750);
    }

    #[test]
    fn one_process_at_a_time_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let held = open(folder.path()).unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
        drop(held);
        open(folder.path()).unwrap();
    }

    #[test]
    fn what_is_newer_damaged_or_foreign_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()).unwrap());
        let file = folder.path().join(IDENTITY);
        let genuine = fs::read_to_string(&file).unwrap();
        for (changed, expected) in [
            (genuine.replace("format 1", "format 2"), "newer redeemd"),
            (genuine.replace("shards 8", "shards 4"), "checksum is wrong"),
            (genuine.replace("checksum", "sum"), "cut off"),
            (String::new(), "names no format"),
        ] {
            fs::write(&file, &changed).unwrap();
            let error = open(folder.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(fs::read_to_string(&file).unwrap(), changed);
        }
        fs::remove_file(&file).unwrap();
        fs::write(folder.path().join("holiday.jpg"), "").unwrap();
        assert!(matches!(open(folder.path()), Err(Error::Foreign { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
