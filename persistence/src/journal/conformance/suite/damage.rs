//! What a crash leaves is put right; everything else is refused.

use redeemd_domain::sequence::SequenceId;

use crate::journal::ChainDigest;
use crate::journal::block::{VERSION, decode_anchor};
use crate::journal::conformance::{
    DIRECTORY, DirectoryId, Error, Frame, HEADER_BYTES, Options, Reopened, Storage, body, fill,
    forge, open, open_error, options, reopen,
};
use crate::journal::error::Damage;

pub(super) fn a_torn_tail_is_cut_off_and_reported(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    let mut all = fill(&mut *journal, 6, 5000);
    drop(journal);
    for kept in [1, 40, 60, 6000, 15_000] {
        let (number, bytes) = storage.blocks().pop().unwrap();
        storage.set_block(number, Some(&bytes[..kept]));
        all.truncate(all.len() - 3);
        let Reopened { mut journal, report, frames } = reopen(storage);
        assert_eq!(frames, all);
        let torn = report.torn_tail.unwrap();
        assert_eq!(torn.place.block, number);
        // Where zeros follow, those at the end of what is left cannot be told from them.
        assert!((1..=kept as u64).contains(&torn.dropped_bytes), "{torn:?}");
        // What is written next is shorter than what was torn, and nothing of that comes back.
        all.extend(fill(&mut *journal, 1, 10));
        drop(journal);
        let Reopened { mut journal, report, frames } = reopen(storage);
        assert_eq!((frames, report.torn_tail), (all.clone(), None));
        all.extend(fill(&mut *journal, 1, 5000));
    }
}

pub(super) fn damage_before_the_end_is_refused_with_its_place(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    // All in one segment: nothing but a later block tells damage from a torn tail.
    fill(&mut *journal, 6, 2000);
    drop(journal);
    let (number, bytes) = storage.blocks()[4].clone();
    // In the header, in the first frame, in the second one's payload, in the last byte.
    for at in [0, 20, HEADER_BYTES + 30, HEADER_BYTES + 2100, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        storage.set_block(number, Some(&damaged));
        match open_error(storage, &[]) {
            Error::Damaged { place, damage: Damage::MissingBlock { .. } } => {
                assert!(at < HEADER_BYTES && place.block == number, "{place}");
            }
            Error::Damaged { place, damage: Damage::Checksum { frame } } => {
                assert_eq!(place.block, number);
                let sequence = [0, 1, 5][(at - HEADER_BYTES) / 2044];
                assert_eq!(frame, Some((SequenceId(sequence), 13)));
            }
            error => panic!("{error}"),
        }
    }
    storage.set_block(number, Some(&bytes));
    reopen(storage);
}

pub(super) fn a_lost_block_is_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    // All in one segment: nothing but a later block tells damage from a torn tail.
    fill(&mut *journal, 6, 2000);
    drop(journal);
    for number in [1, 4, 5] {
        let (_, bytes) = storage.blocks()[number - 1].clone();
        storage.set_block(number as u64, None);
        let error = open_error(storage, &[]);
        let found = matches!(&error, Error::Damaged { place, .. } if place.block == number as u64);
        assert!(found, "{error}");
        storage.set_block(number as u64, Some(&bytes));
    }
    reopen(storage);
}

pub(super) fn forged_blocks_are_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 8, 2000);
    drop(journal);
    let blocks = storage.blocks();
    let (number, good) = &blocks[4];
    let refused = |bytes: &[u8]| {
        storage.set_block(*number, Some(bytes));
        let error = open_error(storage, &[]);
        storage.set_block(*number, Some(good));
        match error {
            Error::Damaged { place, damage } if place.block == *number => damage,
            error => panic!("{error}"),
        }
    };
    // The neighbour in its place, as it is or under the right number.
    assert_eq!(refused(&blocks[5].1), Damage::BlockNumber { expected: 5, found: 6 });
    let sequence = SequenceId(0);
    let forged = forge(*number, body(&blocks[5].1), DIRECTORY);
    assert_eq!(refused(&forged), Damage::Gap { sequence, expected: 13, found: 16 });
    let forged = forge(*number, body(&blocks[3].1), DIRECTORY);
    assert_eq!(refused(&forged), Damage::Gap { sequence, expected: 13, found: 10 });
    // The right entries, but another frame before them.
    let mut forged = Vec::new();
    let frame = Frame { sequence, first: 13, count: 3, payload: b"forged" };
    frame.encode(ChainDigest([1; 16]), &mut forged);
    let forged = forge(*number, &forged, DIRECTORY);
    assert_eq!(refused(&forged), Damage::BrokenChain { sequence, first: 13 });
    // A frame of a sequence that the directory never had, from the middle of it.
    let sequence = SequenceId(9);
    let frame = Frame { sequence, first: 7, ..frame };
    let mut forged = Vec::new();
    frame.encode(ChainDigest::genesis(DIRECTORY, sequence), &mut forged);
    let forged = forge(*number, &forged, DIRECTORY);
    assert_eq!(refused(&forged), Damage::Gap { sequence, expected: 1, found: 7 });
    assert_eq!(refused(&forge(*number, b"no frame", DIRECTORY)), Damage::Malformed);
    assert!(decode_anchor(b"no anchor", DIRECTORY).is_none());
    reopen(storage);
}

pub(super) fn another_directory_is_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 3, 2000);
    drop(journal);
    let other = DirectoryId([8; 16]);
    let options = Options { directory: other, ..options(storage) };
    let error = open(storage.disk(), &options, &[], &mut |_| Ok(())).err().unwrap();
    let found = matches!(error, Error::ForeignDirectory { found, expected, .. }
        if found == DIRECTORY && expected == other);
    assert!(found, "{error}");
    reopen(storage);
}

pub(super) fn a_newer_format_is_refused(storage: &dyn Storage) {
    let Reopened { mut journal, .. } = reopen(storage);
    fill(&mut *journal, 3, 2000);
    drop(journal);
    let (number, mut bytes) = storage.blocks().pop().unwrap();
    bytes[8] = VERSION as u8 + 1;
    let checksum = crc32c::crc32c(&bytes[..44]);
    bytes[44..48].copy_from_slice(&checksum.to_le_bytes());
    storage.set_block(number, Some(&bytes));
    let error = open_error(storage, &[]);
    assert!(matches!(error, Error::NewerFormat { found: 2, supported: 1, .. }), "{error}");
}
