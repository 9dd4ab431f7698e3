//! Bringing a backup back as a data directory of its own.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redeemd_config::Settings;
use redeemd_domain::machine::Machine;
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::backup;
use redeemd_persistence::data_directory::DataDirectory;
use redeemd_persistence::disk::{Disk, RealDisk, private};
use redeemd_persistence::journal::{self, Import, Options};

use super::super::storage;
use super::Error;
use super::inspected::parent;

/// The file that tells a folder in which a restore was interrupted.
const MARKER: &str = "restoring";

/// A directory that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where it is.
    pub path: PathBuf,
    /// When the backup was taken, in milliseconds since 1970.
    pub taken_at_ms: u64,
    /// How often the directory has been restored or salvaged now.
    pub epoch: u32,
    /// What keeps its journal.
    pub engine: String,
    /// Each sequence, the control sequence first.
    pub sequences: Vec<RestoredSequence>,
}

/// A sequence that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredSequence {
    /// The sequence.
    pub sequence: SequenceId,
    /// Its last entry.
    pub last: u64,
    /// SHA-256 over its state there.
    pub state: [u8; 32],
}

/// Restores a backup to the data directory that the settings name, which must be empty or absent,
/// with the journal in `engine`, or in the one that it had. The directory is made beside its place
/// and gets its name at the end, when it has been brought back as a server would.
///
/// # Errors
/// When the backup is not genuine, the place is taken, or the disk fails. The place is as it was then.
pub fn restore(
    settings: &Settings,
    input: impl Read,
    engine: Option<&str>,
) -> Result<Restored, Error> {
    let place = &settings.data_dir;
    refuse_used(place)?;
    let part = part_of(place);
    clear(&part)?;
    private::create_folder_all(&part).map_err(Error::io("make", &part))?;
    let marker = part.join(MARKER);
    fs::write(&marker, b"").map_err(Error::io("write", &marker))?;
    let made = fill(settings, input, engine, &part);
    let restored = match made {
        Ok(restored) => restored,
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
    Ok(Restored { path: place.clone(), ..restored })
}

/// Writes everything into the folder, and brings it back once.
fn fill(
    settings: &Settings,
    input: impl Read,
    engine: Option<&str>,
    part: &Path,
) -> Result<Restored, Error> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(part));
    let mut failure = None;
    let begun = backup::restore(input, &disk, |description| {
        let name = engine.unwrap_or(&description.engine);
        let begin = || -> Result<Import, Error> {
            let directory = description
                .directory()
                .ok_or_else(|| Error::Refused("the backup names no data directory".to_owned()))?;
            let options = Options {
                directory,
                engine: storage::engine(settings, name, part)?,
                minimum_free_bytes: settings.journal.minimum_free_bytes,
                reserve_bytes: 0,
            };
            Ok(Import::begin(Arc::clone(&disk), options)?)
        };
        begin().map_err(|error| {
            let reason = error.to_string();
            failure = Some(error);
            backup::Error::Foreign(reason)
        })
    });
    let restored = match (failure, begun) {
        (Some(error), _) => return Err(error),
        (None, restored) => restored?,
    };
    let mut mark = [0; 8];
    getrandom::fill(&mut mark).map_err(super::super::Error::from)?;
    let name = engine.unwrap_or(&restored.description.engine);
    let identity = restored.description.restored(name, mark);
    let identity =
        identity.ok_or_else(|| Error::Refused("the backup names no data directory".to_owned()))?;
    journal::wait_until_closed(part)?;
    let directory = DataDirectory::adopt(part, identity)?;
    let recovered = storage::recover(settings, &directory)?;
    let mut sequences = vec![of(SequenceId::CONTROL, &recovered.control.machine)];
    for (shard, recovered) in (0..).zip(&recovered.shards) {
        sequences.push(of(SequenceId::shard(shard), &recovered.machine));
    }
    drop(recovered);
    journal::wait_until_closed(part)?;
    for end in &restored.manifest.sequences {
        let found = sequences.iter().find(|sequence| sequence.sequence == end.sequence);
        if found.is_none_or(|found| found.last != end.last) {
            let name = &end.name;
            return Err(Error::Refused(format!("{name} did not come back up to {}", end.last)));
        }
    }
    Ok(Restored {
        path: part.to_owned(),
        taken_at_ms: restored.description.taken_at_ms,
        epoch: directory.identity().epoch.number,
        engine: name.to_owned(),
        sequences,
    })
}

fn of(sequence: SequenceId, machine: &impl Machine) -> RestoredSequence {
    RestoredSequence { sequence, last: machine.last(), state: machine.digest() }
}

/// Where a directory is made before it gets its name.
fn part_of(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    place.with_file_name(name)
}

fn refuse_used(place: &Path) -> Result<(), Error> {
    match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("read", place)(error)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::NotEmpty(place.to_owned())),
        },
    }
}

/// Removes what an interrupted restore left, and nothing else.
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
