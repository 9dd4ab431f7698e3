//! Putting a new journal in the place of the old one, so that a crash at any moment leaves the one or
//! the other and never half of both.
//!
//! The new journal is made under `journal.new/`. What decides is the file `journal.exchange`: before
//! it has its name, the old journal counts, and everything under `journal.new/` is rubbish; from then
//! on the new one does, and `complete`, which every opening of the directory calls, carries out
//! what is left to do. Each of its steps can be repeated.
//!
//! | line of `journal.exchange` | meaning |
//! | --- | --- |
//! | `aside NAME` or `aside` | under which name the old journal is kept, or that it is removed |
//! | lines of an identity | what the directory is from then on |

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::data_directory::{Error, Identity, io_error, parse_identity, write_identity};
use crate::disk::private;

const PLAN: &str = "journal.exchange";
const NEW: &str = "journal.new";
const OLD: &str = "journal.old";
const JOURNAL: &str = "journal";

/// What becomes of the old journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldJournal {
    /// It is removed.
    Removed,
    /// It is kept under a name of its own, for whoever wants to look at it.
    KeptAside,
}

/// Makes an empty folder in which the new journal is to be made: its own folder `journal` belongs
/// into that one. What an earlier attempt left is removed.
///
/// # Errors
/// When the operating system refuses.
pub fn begin(directory: &Path) -> Result<PathBuf, Error> {
    for name in [NEW, OLD] {
        remove_folder(&directory.join(name))?;
    }
    let new = directory.join(NEW);
    private::create_folder(&new).map_err(|source| io_error("make", &new, source))?;
    Ok(new)
}

/// Removes what was made in the folder that [`begin`] gave.
///
/// # Errors
/// When the operating system refuses.
pub fn abandon(directory: &Path) -> Result<(), Error> {
    remove_folder(&directory.join(NEW))
}

/// Exchanges the journals, and makes the directory be `identity`. The new journal must be durable and
/// nobody may have it open. Returns where the old one is kept, if it is.
///
/// # Errors
/// When the operating system refuses; the next opening of the directory then completes it, or finds
/// it as it was.
pub fn exchange(
    directory: &Path,
    identity: &Identity,
    old: OldJournal,
) -> Result<Option<PathBuf>, Error> {
    let aside = match old {
        OldJournal::Removed => None,
        OldJournal::KeptAside => Some(unused_name(directory)),
    };
    let name = aside.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    let text = format!("aside{name}\n{}", identity.text());
    sync(&directory.join(NEW))?;
    let partial = directory.join(format!("{PLAN}.partial"));
    let written = || -> io::Result<()> {
        let mut file = private::create_file(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, directory.join(PLAN))
    };
    written().map_err(|source| io_error("write", &partial, source))?;
    sync(directory)?;
    complete(directory)?;
    Ok(aside.map(|name| directory.join(name)))
}

/// Carries out what is left of an exchange that was decided, if there is one.
///
/// # Errors
/// When the plan is damaged or the operating system refuses.
pub(crate) fn complete(directory: &Path) -> Result<(), Error> {
    let plan = directory.join(PLAN);
    let text = match fs::read_to_string(&plan) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error("read", &plan, source)),
    };
    let damaged = || Error::Damaged { path: plan.clone(), what: "it is cut off" };
    let (first, identity) = text.split_once('\n').ok_or_else(damaged)?;
    let aside = first.strip_prefix("aside").ok_or_else(damaged)?.trim();
    let identity = parse_identity(identity, directory, &plan)?;

    let [journal, new, old] = [JOURNAL, NEW, OLD].map(|name| directory.join(name));
    if new.join(JOURNAL).exists() {
        if journal.exists() {
            rename(&journal, &old)?;
            sync(directory)?;
        }
        rename(&new.join(JOURNAL), &journal)?;
        sync(directory)?;
    }
    remove_folder(&new)?;
    write_identity(directory, &identity)?;
    if aside.is_empty() {
        remove_folder(&old)?;
    } else if old.exists() {
        rename(&old, &directory.join(aside))?;
    }
    sync(directory)?;
    fs::remove_file(&plan).map_err(|source| io_error("remove", &plan, source))?;
    sync(directory)
}

/// A name for a journal that is kept aside.
fn unused_name(directory: &Path) -> String {
    let mut name = format!("{JOURNAL}.damaged");
    let mut attempt = 1;
    while directory.join(&name).exists() {
        attempt += 1;
        name = format!("{JOURNAL}.damaged-{attempt}");
    }
    name
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|source| io_error("rename", from, source))
}

fn remove_folder(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", folder, source))
        }
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), Error> {
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| io_error("sync", folder, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::DirectoryId;

    fn identity(engine: &str) -> Identity {
        Identity::new(DirectoryId([7; 16]), 8, engine)
    }

    /// A directory whose old journal and new journal each have one file that says so.
    fn prepared() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write_identity(folder.path(), &identity("segment")).unwrap();
        fs::create_dir(folder.path().join(JOURNAL)).unwrap();
        fs::write(folder.path().join(JOURNAL).join("which"), "old").unwrap();
        let new = begin(folder.path()).unwrap();
        fs::create_dir(new.join(JOURNAL)).unwrap();
        fs::write(new.join(JOURNAL).join("which"), "new").unwrap();
        folder
    }

    fn state(folder: &Path) -> (String, String) {
        let which = fs::read_to_string(folder.join(JOURNAL).join("which")).unwrap();
        let identity = fs::read_to_string(folder.join("identity")).unwrap();
        let engine = identity.lines().find_map(|line| line.strip_prefix("engine ")).unwrap();
        (which, engine.to_owned())
    }

    #[test]
    fn an_exchange_can_stop_after_every_step_and_is_completed_at_the_next_opening() {
        let steps: [fn(&Path); 4] = [
            |_| {},
            |folder| fs::rename(folder.join(JOURNAL), folder.join(OLD)).unwrap(),
            |folder| fs::rename(folder.join(NEW).join(JOURNAL), folder.join(JOURNAL)).unwrap(),
            |folder| write_identity(folder, &identity("sled")).unwrap(),
        ];
        for done in 0..=steps.len() {
            for aside in ["", "journal.damaged"] {
                let folder = prepared();
                let folder = folder.path();
                complete(folder).unwrap();
                assert_eq!(state(folder), ("old".to_owned(), "segment".to_owned()));
                let plan = format!("aside {aside}\n{}", identity("sled").text());
                fs::write(folder.join(PLAN), plan).unwrap();
                steps.iter().take(done).for_each(|step| step(folder));
                complete(folder).unwrap();
                complete(folder).unwrap();
                assert_eq!(state(folder), ("new".to_owned(), "sled".to_owned()), "after {done}");
                assert_eq!(folder.join("journal.damaged").exists(), !aside.is_empty());
                for name in [PLAN, NEW, OLD] {
                    assert!(!folder.join(name).exists(), "{name} is left after {done}");
                }
            }
        }
    }

    #[test]
    fn what_was_not_decided_does_not_count() {
        let folder = prepared();
        fs::write(folder.path().join(format!("{PLAN}.partial")), "aside\nform").unwrap();
        complete(folder.path()).unwrap();
        assert_eq!(state(folder.path()).0, "old");
        let aside = exchange(folder.path(), &identity("sled"), OldJournal::KeptAside).unwrap();
        assert_eq!(fs::read_to_string(aside.unwrap().join("which")).unwrap(), "old");
        fs::write(folder.path().join(PLAN), "aside\nformat 1\n").unwrap();
        let error = complete(folder.path()).unwrap_err().to_string();
        assert!(error.contains("journal.exchange is damaged"), "{error}");
    }
}
