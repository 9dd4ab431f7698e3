//! A backup gives back what went into it, or says where it is not genuine.

use std::path::Path;
use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::*;
use crate::data_directory::Identity;
use crate::disk::simulated::Random;
use crate::disk::{Disk, RealDisk};
use crate::journal::{self, DirectoryId, Engine, Frame, Import, Journal, Options, Preparation};
use crate::ledger::{self, Batch, Ledger};
use crate::snapshot::Snapshots;

const DIRECTORY: DirectoryId = DirectoryId([0x5A; 16]);
const SHARD: SequenceId = SequenceId::shard(1);

fn options() -> Options {
    let engine = Engine::Segment { segment_bytes: 64 << 10, preparation: Preparation::Inline };
    Options { directory: DIRECTORY, engine, minimum_free_bytes: 0, reserve_bytes: 0 }
}

fn open_journal(disk: &Arc<dyn Disk>, frames: &mut Vec<(u64, Vec<u8>)>) -> Box<dyn Journal> {
    let visit = &mut |frame: Frame<'_>| {
        frames.push((frame.first, frame.payload.to_vec()));
        Ok(())
    };
    journal::open(Arc::clone(disk), &options(), &[], visit).unwrap().0
}

struct Original {
    folder: tempfile::TempDir,
    backup: Vec<u8>,
}

fn disk_of(path: &Path) -> Arc<dyn Disk> {
    Arc::new(RealDisk::new(path))
}

/// A directory with entries, outcomes and a snapshot of one shard, and a backup of it.
fn original() -> Original {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk_of(folder.path());
    let mut journal = open_journal(&disk, &mut Vec::new());
    for first in 1..=200 {
        let payload = vec![first as u8; 900];
        let frame = Frame { sequence: SHARD, first, count: 1, payload: &payload };
        journal.append(&[frame]).unwrap();
    }
    let (mut ledger, _) =
        Ledger::open(Arc::clone(&disk), ledger::Settings::new(DIRECTORY.0, [1; 16])).unwrap();
    let mut batch = Batch::new(SHARD, 1, ledger.key_hasher());
    for number in 1..=150 {
        batch.push(number, &[number as u8; 50], &[]).unwrap();
    }
    ledger.append(&batch).unwrap();
    ledger.commit().unwrap();
    let snapshots = Snapshots::open(Arc::clone(&disk), DIRECTORY).unwrap();
    let draft = snapshots.write(SHARD, 120, |write| write(b"state at 120")).unwrap();
    draft.publish().unwrap();

    let identity = Identity::new(DIRECTORY, 8, "segment");
    let contents = Contents::open(&disk, &identity, &ledger.reader(), 1_800_000_000_000).unwrap();
    // What happens from here on is in the journal at most.
    batch = Batch::new(SHARD, 151, ledger.key_hasher());
    batch.push(151, b"later", &[]).unwrap();
    ledger.append(&batch).unwrap();
    ledger.commit().unwrap();
    for number in [130, 140] {
        snapshots.write(SHARD, number, |write| write(b"later")).unwrap().publish().unwrap();
    }
    snapshots.prune(SHARD).unwrap();
    let mut backup = Vec::new();
    write(contents, &mut *journal.reader().unwrap(), &mut backup).unwrap();
    Original { folder, backup }
}

fn restore_to(path: &Path, backup: &[u8]) -> Result<Restored> {
    let disk = disk_of(path);
    restore(backup, &disk, |_| Ok(Import::begin(Arc::clone(&disk), options())?))
}

#[test]
fn a_backup_gives_everything_back() {
    let Original { folder, backup } = original();
    let checked = check(&backup[..]).unwrap();
    assert_eq!(checked.bytes, backup.len() as u64);
    assert_eq!(checked.description.directory(), Some(DIRECTORY));
    let end = &checked.manifest.sequences[0];
    assert_eq!((end.name.as_str(), end.last), ("shard-001", 200));

    let target = tempfile::tempdir().unwrap();
    let restored = restore_to(target.path(), &backup).unwrap();
    assert_eq!(restored.manifest, checked.manifest);
    let (disk, mut frames, mut genuine) = (disk_of(target.path()), Vec::new(), Vec::new());
    open_journal(&disk, &mut frames);
    open_journal(&disk_of(folder.path()), &mut genuine);
    assert!(frames.len() == 200 && frames == genuine);
    let log = ledger::inspect(&*disk, DIRECTORY.0, &mut |_, _| {}).unwrap();
    assert_eq!((log.records, log.covered), (150, vec![(SHARD, 150)]));
    let snapshots = Snapshots::open(Arc::clone(&disk), DIRECTORY).unwrap();
    assert_eq!(snapshots.list(SHARD).unwrap(), [120]);
    snapshots.read(SHARD, 120, &mut |_| Ok(())).unwrap();
    let identity = restored.description.restored("sled", [3; 8]).unwrap();
    assert_eq!((identity.epoch.number, identity.id), (1, DIRECTORY));
}

#[test]
fn the_archive_is_one_that_other_programs_read() {
    let Original { backup, .. } = original();
    let mut archive = tar::Archive::new(&backup[..]);
    let names = archive
        .entries()
        .unwrap()
        .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap());
    let names: Vec<String> = names.collect();
    assert_eq!(
        names[..3],
        [
            "backup.json",
            "snapshots/shard-001-00000000000000000120.snapshot",
            "ledger/log/0000000001.records",
        ]
    );
    assert_eq!(names[3..], ["journal/0000000001.blocks", "manifest.json", "end.json"]);
}

#[test]
fn a_backup_that_is_cut_off_is_refused_wherever_it_ends() {
    let Original { backup, .. } = original();
    let mut random = Random::new(1);
    let ends = (0..60).map(|_| random.below(backup.len() as u64) as usize);
    for end in ends.chain([0, 1, 511, 512, 513, backup.len() - 1, backup.len() - 1024]) {
        let target = tempfile::tempdir().unwrap();
        let error = restore_to(target.path(), &backup[..end]).unwrap_err();
        assert!(matches!(error, Error::CutOff { offset, .. } if offset == end as u64), "{error}");
        assert!(check(&backup[..end]).is_err());
    }
    let longer = [&backup[..], b"x"].concat();
    let error = check(&longer[..]).unwrap_err().to_string();
    assert!(error.contains("something follows the end"), "{error}");
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let Original { backup, .. } = original();
    let mut random = Random::new(2);
    let places = (0..400).map(|_| random.below(backup.len() as u64 * 8));
    // The first header, the padding behind the description, and the end more closely.
    let bits = backup.len() as u64 * 8;
    let closely = (0..1024 * 8).chain(bits - 2048 * 8..bits).step_by(61);
    for bit in places.chain(closely) {
        let mut changed = backup.clone();
        changed[(bit / 8) as usize] ^= 1 << (bit % 8);
        assert!(check(&changed[..]).is_err(), "bit {bit}");
    }
    for _ in 0..20 {
        let bit = random.below(backup.len() as u64 * 8);
        let mut changed = backup.clone();
        changed[(bit / 8) as usize] ^= 1 << (bit % 8);
        let target = tempfile::tempdir().unwrap();
        assert!(restore_to(target.path(), &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn what_is_something_else_or_newer_is_said_so() {
    let text = "a picture of a holiday ".repeat(100);
    let error = check(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("no backup of redeemd"), "{error}");
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    builder.append_data(&mut header, "holiday.jpg", &b"beach"[..]).unwrap();
    let error = check(&builder.into_inner().unwrap()[..]).unwrap_err().to_string();
    assert!(error.contains("begins with holiday.jpg"), "{error}");
}

#[test]
fn a_backup_that_nothing_could_be_restored_from_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk_of(folder.path());
    let mut journal = open_journal(&disk, &mut Vec::new());
    for first in 1..=300 {
        let payload = vec![first as u8; 900];
        let frame = Frame { sequence: SHARD, first, count: 1, payload: &payload };
        journal.append(&[frame]).unwrap();
    }
    journal.release(&[(SHARD, 250)]).unwrap();
    let settings = ledger::Settings::new(DIRECTORY.0, [1; 16]);
    let (ledger, _) = Ledger::open(Arc::clone(&disk), settings).unwrap();
    let identity = Identity::new(DIRECTORY, 8, "segment");
    let contents = Contents::open(&disk, &identity, &ledger.reader(), 0).unwrap();
    let error = write(contents, &mut *journal.reader().unwrap(), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Incomplete { sequence: SHARD, .. }), "{error}");
}
