//! Files and folders that their owner alone may read: what is kept names users, whatever rights
//! the process gives by default.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The rights of a file.
pub(crate) const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Creates a folder that must not exist.
///
/// # Errors
/// When the operating system refuses.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(FOLDER_MODE).create(path)
}

/// Creates a folder where there is none. Those above it are made with the usual rights; the rights of
/// one that is there stay as they are.
///
/// # Errors
/// When the operating system refuses.
pub fn create_folder_all(path: &Path) -> io::Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    match create_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        created => created,
    }
}

/// Creates an empty file, in place of one that is there.
///
/// # Errors
/// When the operating system refuses.
pub(crate) fn create_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(path)
}
