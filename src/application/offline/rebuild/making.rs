//! The new data directory: its ledger, its states as snapshots, a journal that begins after them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use redeemd_domain::machine::Machine;
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::data_directory::{DataDirectory, Identity};
use redeemd_persistence::disk::{Disk, RealDisk};
use redeemd_persistence::journal::{self, Import, Options};
use redeemd_persistence::ledger::{self, Ledger};
use redeemd_persistence::postgres::{Checkpoint, Note, Owner};
use redeemd_persistence::snapshot::Snapshots;

use super::super::super::storage;
use super::super::{Error, Progress};
use super::states::{States, bring_back};
use super::{LostDirectory, Rebuilt, RebuiltSequence, copying};

/// Writes everything into a folder, brings it back as a server would, and takes the database over.
pub(super) fn make(
    lost: &LostDirectory,
    part: &Path,
    engine: &str,
    progress: &mut dyn Progress,
) -> Result<Rebuilt, Error> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(part));
    let former = lost.possession.identity(engine);
    let layout = storage::layout(&former)?;
    let mut ledger = new_ledger(lost, Arc::clone(&disk))?;
    let counts = copying::copy(lost, &mut ledger, progress)?;
    let states = bring_back(lost, &ledger.reader(), layout, progress)?;
    drop(ledger);
    write_snapshots(lost, &disk, &states)?;
    begin_journal(lost, &disk, engine, part)?;

    let mut mark = [0; 8];
    getrandom::fill(&mut mark).map_err(super::super::super::Error::from)?;
    let identity = Identity { epoch: former.epoch.next(mark), ..former };
    let epoch = identity.epoch;
    // The next start knows what was compared here, and need not read everything once more.
    let note = Note::new(Arc::clone(&disk), &Owner::new(&identity));
    let moved = |(&sequence, &known): (&SequenceId, &Checkpoint)| {
        (sequence, Checkpoint { through: lost.goes_on_after(sequence), ..known })
    };
    let moved: BTreeMap<_, _> = lost.possession.checkpoints.iter().map(moved).collect();
    note.write(&moved)?;
    let directory = DataDirectory::adopt(part, identity)?;
    let sequences = read_back(lost, &directory, &states, &counts)?;
    journal::wait_until_closed(part)?;
    lost.runner.block_on(lost.projection.hand_over(&lost.possession, epoch, &moved))?;
    Ok(Rebuilt {
        path: lost.settings.data_dir.clone(),
        epoch: epoch.number,
        engine: engine.to_owned(),
        sequences,
    })
}

fn new_ledger(lost: &LostDirectory, disk: Arc<dyn Disk>) -> Result<Ledger, Error> {
    let mut hash_key = [0; 16];
    getrandom::fill(&mut hash_key).map_err(super::super::super::Error::from)?;
    let settings = ledger::Settings {
        file_bytes: lost.settings.ledger.file_bytes,
        cache_bytes: lost.settings.ledger.cache_bytes as u64,
        ..ledger::Settings::new(lost.possession.directory.0, hash_key)
    };
    Ok(Ledger::open(disk, settings)?.0)
}

fn write_snapshots(
    lost: &LostDirectory,
    disk: &Arc<dyn Disk>,
    states: &States,
) -> Result<(), Error> {
    let snapshots = Snapshots::open(Arc::clone(disk), lost.possession.directory)?;
    write_snapshot(&snapshots, SequenceId::CONTROL, &states.control)?;
    for shard in &states.shards {
        write_snapshot(&snapshots, SequenceId::shard(shard.number()), shard)?;
    }
    Ok(())
}

/// Of a sequence without entries there is nothing to keep.
fn write_snapshot(
    snapshots: &Snapshots,
    sequence: SequenceId,
    state: &impl Machine,
) -> Result<(), Error> {
    if state.last() > 0 {
        snapshots.write(sequence, state.last(), |write| state.encode(write))?.publish()?;
    }
    Ok(())
}

fn begin_journal(
    lost: &LostDirectory,
    disk: &Arc<dyn Disk>,
    engine: &str,
    part: &Path,
) -> Result<(), Error> {
    let options = Options {
        directory: lost.possession.directory,
        engine: storage::engine(&lost.settings, engine, part)?,
        minimum_free_bytes: lost.settings.journal.minimum_free_bytes,
        reserve_bytes: 0,
    };
    let ends = lost.ends.iter().map(|end| (end.sequence, end.goes_on_after));
    Import::begin_after(Arc::clone(disk), options, ends)?.finish()?;
    journal::wait_until_closed(part)?;
    Ok(())
}

/// Brings the directory back as a server would, which must lead to the same states.
fn read_back(
    lost: &LostDirectory,
    directory: &DataDirectory,
    states: &States,
    counts: &[u64],
) -> Result<Vec<RebuiltSequence>, Error> {
    let recovered = storage::recover(&lost.settings, directory)?;
    let mut digests = vec![(recovered.control.machine.digest(), states.control.digest())];
    let shards = recovered.shards.iter().zip(&states.shards);
    digests.extend(shards.map(|(found, made)| (found.machine.digest(), made.digest())));
    let mut sequences = Vec::new();
    for ((end, &outcomes), (found, made)) in lost.ends.iter().zip(counts).zip(digests) {
        let sequence = end.sequence;
        if found != made {
            return Err(Error::Refused(format!("{sequence} did not come back as it was made")));
        }
        let (known, last) = (end.through, end.goes_on_after);
        sequences.push(RebuiltSequence { sequence, known, last, outcomes, state: made });
    }
    Ok(sequences)
}
