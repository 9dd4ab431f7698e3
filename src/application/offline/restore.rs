//! Bringing a backup back as a data directory of its own.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redeemd_config::Settings;
use redeemd_domain::machine::Machine;
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::backup;
use redeemd_persistence::data_directory::DataDirectory;
use redeemd_persistence::disk::{Disk, RealDisk};
use redeemd_persistence::journal::{self, Import, Options};

use super::super::storage;
use super::Error;
use super::making::in_the_making;

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
    let restored = in_the_making(place, |part| fill(settings, input, engine, part))?;
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
