//! Making a data directory that is complete or absent: beside its place, under which it gets its name
//! at the end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use redeemd_persistence::disk::private;

use super::Error;
use super::inspected::parent;

/// The file that tells a folder in which a directory was being made.
const MARKER: &str = "restoring";

/// Lets `fill` make a directory in a folder of its own, and gives it its place. Where that fails,
/// nothing is left, and the place is as it was.
pub(super) fn in_the_making<T>(
    place: &Path,
    fill: impl FnOnce(&Path) -> Result<T, Error>,
) -> Result<T, Error> {
    refuse_used(place)?;
    let part = part_of(place);
    clear(&part)?;
    private::create_folder_all(&part).map_err(Error::io("make", &part))?;
    let marker = part.join(MARKER);
    fs::write(&marker, b"").map_err(Error::io("write", &marker))?;
    let made = match fill(&part) {
        Ok(made) => made,
        Err(error) => {
            // The first error is the one to report; the next attempt clears what is left.
            let _ = fs::remove_dir_all(&part);
            return Err(error);
        }
    };
    fs::remove_file(&marker).map_err(Error::io("remove", &marker))?;
    sync(&part)?;
    fs::rename(&part, place).map_err(Error::io("rename", &part))?;
    sync(&parent(place))?;
    Ok(made)
}

/// Where a directory is made before it gets its name.
fn part_of(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    place.with_file_name(name)
}

/// Insists that nothing is at a place yet.
pub(super) fn refuse_used(place: &Path) -> Result<(), Error> {
    match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("read", place)(error)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::NotEmpty(place.to_owned())),
        },
    }
}

/// Removes what an attempt that was interrupted left, and nothing else.
fn clear(part: &Path) -> Result<(), Error> {
    if !part.exists() {
        return Ok(());
    }
    if !part.join(MARKER).exists() {
        return Err(Error::InTheWay(part.to_owned()));
    }
    fs::remove_dir_all(part).map_err(Error::io("remove", part))
}

fn sync(folder: &Path) -> Result<(), Error> {
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(Error::io("sync", folder))
}
