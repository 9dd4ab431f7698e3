//! What can be told without a server. Everything else is tried against real ones, in the binary's
//! `tests/integration/postgres`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;

use super::partition::{self, Month};
use super::*;
use crate::data_directory::{Epoch, Identity};
use crate::disk::{Disk, RealDisk};
use crate::journal::DirectoryId;
use crate::tls::Tls;

fn owner(epoch: u32) -> Owner {
    let mut identity = Identity::new(DirectoryId([7; 16]), 2, "segment");
    identity.epoch = Epoch { number: epoch, mark: [1; 8] };
    Owner::new(&identity)
}

#[test]
fn a_note_is_read_by_the_life_that_wrote_it_and_by_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    let note = Note::new(Arc::clone(&disk), &owner(0));
    assert!(note.read().is_empty());
    let directory = owner(0).directory;
    let checkpoint = Checkpoint { through: 9, chain: Chain([0xAB; 16]) };
    let noted = BTreeMap::from([
        (SequenceId::CONTROL, Checkpoint::genesis(directory, SequenceId::CONTROL)),
        (SequenceId::shard(1), checkpoint),
    ]);
    for _ in 0..2 {
        note.write(&noted).unwrap();
        assert_eq!(note.read(), noted);
    }
    assert!(Note::new(Arc::clone(&disk), &owner(1)).read().is_empty());
    let path = folder.path().join("projection");
    let damaged = std::fs::read_to_string(&path).unwrap().replace("2 9 ", "2 8 ");
    std::fs::write(&path, damaged).unwrap();
    assert!(note.read().is_empty());
}

#[test]
fn chains_tell_every_difference_apart() {
    let genesis = Chain::genesis(DirectoryId([1; 16]), SequenceId::shard(0));
    let others = [
        Chain::genesis(DirectoryId([2; 16]), SequenceId::shard(0)),
        Chain::genesis(DirectoryId([1; 16]), SequenceId::shard(1)),
        genesis.followed_by(1, b"a"),
        genesis.followed_by(1, b"b"),
        genesis.followed_by(2, b"a"),
        genesis.followed_by(1, b"a").followed_by(2, b"b"),
    ];
    for (place, one) in others.iter().enumerate() {
        assert_ne!(*one, genesis);
        assert!(others.iter().skip(place + 1).all(|other| other != one));
    }
}

#[test]
fn months_are_those_of_utc() {
    let sql = |milliseconds| partition::sql(&BTreeSet::from([Month::of(Timestamp(milliseconds))]));
    // 2026-11-30T23:59:59.999Z, the moment after, and the first of all.
    let bounds =
        |from: &str, to: &str| format!("FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00')");
    assert!(sql(1_796_083_199_999).contains(&bounds("2026-11-01", "2026-12-01")));
    assert!(sql(1_796_083_200_000).contains(&bounds("2026-12-01", "2027-01-01")));
    assert!(sql(1_796_083_200_000).contains("redeemd.redemptions_2026_12"));
    assert!(sql(0).contains(&bounds("1970-01-01", "1970-02-01")));
}

#[test]
fn a_url_that_does_not_read_is_refused_and_not_quoted() {
    let options = |url| Options::new(url, 2, Duration::from_secs(1), Duration::from_secs(1));
    let shown = format!("{:?}", options("postgres://me:hunter2@127.0.0.1:5432/shop").unwrap());
    assert!(shown.contains("shop") && !shown.contains("hunter2"), "{shown}");
    for url in [
        "",
        "mysql://me:hunter2@host/shop",
        "postgres://me:hunter2@host:x/shop",
        "postgres://",
        // What is to be encrypted says so elsewhere, and is never passed over.
        "postgres://me:hunter2@host/shop?sslmode=require",
    ] {
        let error = options(url).unwrap_err();
        assert!(matches!(error, WrongOptions::Malformed), "{url}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn tls_goes_to_hosts_and_not_to_sockets() {
    let options = |url| Options::new(url, 2, Duration::from_secs(1), Duration::from_secs(1));
    for url in ["postgres://me@%2Frun%2Fdb/shop", "postgres://h,%2Frun%2Fdb/shop"] {
        let error = options(url).unwrap().encrypted(&Tls::default()).unwrap_err();
        assert!(matches!(error, WrongOptions::Socket), "{url}: {error}");
    }
}

#[test]
fn a_dry_run_says_everything_that_would_be_done() {
    let sql = pending_sql(MIGRATIONS, 0);
    assert!(sql.starts_with("BEGIN;\nSELECT pg_advisory_xact_lock"));
    assert!(sql.contains("CREATE TABLE redeemd.redemptions") && sql.ends_with("COMMIT;\n"));
    let steps = [
        Migration { version: 1, name: "one", sql: "SELECT 'first';\n" },
        Migration { version: 2, name: "two", sql: "SELECT 'second';\n" },
        Migration { version: 3, name: "three", sql: "SELECT 'third';\n" },
    ];
    let rest = pending_sql(&steps, 1);
    assert!(rest.starts_with("BEGIN;\nSELECT pg_advisory_xact_lock"), "{rest}");
    assert!(!rest.contains("first") && rest.ends_with("COMMIT;\n"), "{rest}");
    let second = rest.find("SELECT 'second';\nINSERT INTO redeemd.migrations").unwrap();
    assert!(second < rest.find("SELECT 'third';\nINSERT INTO").unwrap(), "{rest}");
    assert_eq!(pending_sql(&steps, 3), "");
    assert_eq!(pending_sql(&steps, 4), "");
}

#[test]
fn versions_count_up_from_one() {
    let versions = MIGRATIONS.iter().map(|migration| migration.version);
    assert!(versions.eq(1..=i64::try_from(MIGRATIONS.len()).unwrap()));
}
