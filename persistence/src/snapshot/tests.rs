//! Snapshots read back, and nothing of them is believed that was changed.

use std::fs;

use super::*;
use crate::disk::RealDisk;

const DIRECTORY: DirectoryId = DirectoryId([7; 16]);
const SEQUENCE: SequenceId = SequenceId::shard(3);

fn sections() -> Vec<Vec<u8>> {
    (0..40usize).map(|number| vec![number as u8; number * number * 100]).collect()
}

fn write(snapshots: &Snapshots, number: u64) -> Draft {
    let encode = |write: &mut dyn FnMut(&[u8]) -> Result<()>| {
        sections().iter().try_for_each(|section| write(section))
    };
    snapshots.write(SEQUENCE, number, encode).unwrap()
}

fn read(snapshots: &Snapshots, number: u64) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    snapshots.read(SEQUENCE, number, &mut |section| {
        found.push(section.to_vec());
        Ok(())
    })?;
    Ok(found)
}

fn open(folder: &tempfile::TempDir) -> Snapshots {
    Snapshots::open(Arc::new(RealDisk::new(folder.path())), DIRECTORY).unwrap()
}

#[test]
fn a_snapshot_reads_back_once_it_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = open(&folder);
    let draft = write(&snapshots, 12);
    assert_eq!(snapshots.list(SEQUENCE).unwrap(), [0; 0]);
    draft.publish().unwrap();
    assert_eq!(snapshots.list(SEQUENCE).unwrap(), [12]);
    assert_eq!(snapshots.list(SequenceId::shard(30)).unwrap(), [0; 0]);
    assert_eq!(read(&snapshots, 12).unwrap(), sections());
}

#[test]
fn a_draft_that_a_crash_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let draft = write(&open(&folder), 12);
    std::mem::forget(draft);
    open(&folder);
    assert_eq!(fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 0);
}

#[test]
fn two_are_kept_and_the_older_tells_what_the_journal_must_keep() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = open(&folder);
    for (number, needed) in [(5, None), (90, Some(5)), (1000, Some(90))] {
        write(&snapshots, number).publish().unwrap();
        assert_eq!(snapshots.prune(SEQUENCE).unwrap(), needed);
    }
    assert_eq!(snapshots.list(SEQUENCE).unwrap(), [1000, 90]);
}

#[test]
fn no_changed_byte_and_no_missing_end_goes_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = open(&folder);
    write(&snapshots, 12).publish().unwrap();
    let file = folder.path().join(path(SEQUENCE, 12));
    let genuine = fs::read(&file).unwrap();
    for place in
        (0..genuine.len()).step_by(997).chain(0..200).chain(genuine.len() - 60..genuine.len())
    {
        let mut changed = genuine.clone();
        changed[place] ^= 0x10;
        fs::write(&file, &changed).unwrap();
        assert!(read(&snapshots, 12).is_err(), "byte {place}");
    }
    for length in [0, 1, 43, 44, 60, genuine.len() / 2, genuine.len() - 48, genuine.len() - 1] {
        fs::write(&file, &genuine[..length]).unwrap();
        assert!(read(&snapshots, 12).is_err(), "length {length}");
    }
    fs::write(&file, [genuine.as_slice(), b"x"].concat()).unwrap();
    assert!(read(&snapshots, 12).is_err());
}

#[test]
fn a_snapshot_that_is_set_aside_does_not_count_as_kept() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = open(&folder);
    for number in [5, 90] {
        write(&snapshots, number).publish().unwrap();
    }
    snapshots.set_aside(SEQUENCE, 90).unwrap();
    assert_eq!(snapshots.list(SEQUENCE).unwrap(), [5]);
    assert_eq!(snapshots.prune(SEQUENCE).unwrap(), None, "the journal keeps everything");
    write(&snapshots, 90).publish().unwrap();
    assert_eq!(snapshots.prune(SEQUENCE).unwrap(), Some(5));
}

#[test]
fn a_snapshot_of_another_directory_or_another_name_is_foreign() {
    let folder = tempfile::tempdir().unwrap();
    write(&open(&folder), 12).publish().unwrap();
    let disk = Arc::new(RealDisk::new(folder.path()));
    let other = Snapshots::open(disk, DirectoryId([8; 16])).unwrap();
    assert!(matches!(read(&other, 12), Err(Error::Foreign { .. })));
    fs::rename(folder.path().join(path(SEQUENCE, 12)), folder.path().join(path(SEQUENCE, 13)))
        .unwrap();
    assert!(matches!(read(&open(&folder), 13), Err(Error::Foreign { .. })));
}
