//! While a lease is held nothing is deleted.

use std::sync::Arc;

use actix::{Actor as _, System};
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::disk::simulated::SimulatedDisk;
use redeemd_persistence::journal::{
    DirectoryId, Engine, Frame, MemoryStorage, Options, Reader, open,
};

use super::*;
use crate::fatal::Fatal;
use crate::messages::Release;
use crate::status::Status;

const SEQUENCE: SequenceId = SequenceId::shard(0);

/// The writer of a journal with ten entries in as many blocks.
fn writer(status: &Arc<Status>) -> Addr<JournalWriter> {
    let options = Options {
        minimum_free_bytes: 0,
        reserve_bytes: 0,
        ..Options::new(DirectoryId([1; 16]), Engine::Memory(MemoryStorage::new()))
    };
    let disk = Arc::new(SimulatedDisk::new(1));
    let (mut journal, _) = open(disk, &options, &[], &mut |_| Ok(())).unwrap();
    for first in 1..=10 {
        let frame = Frame { sequence: SEQUENCE, first, count: 1, payload: b"entry" };
        journal.append(&[frame]).unwrap();
    }
    let fatal = Fatal::new(Arc::clone(status), || panic!("nothing is fatal here"));
    JournalWriter::new(journal, Arc::clone(status), fatal).start()
}

/// How many entries can be read.
fn count(reader: &mut Box<dyn Reader>) -> usize {
    let mut frames = 0;
    let exported = reader.export(&mut |_| {
        frames += 1;
        Ok(())
    });
    exported.unwrap();
    // The first is the anchor.
    frames - 1
}

#[test]
fn nothing_is_deleted_while_there_is_a_lease() {
    System::new().block_on(async {
        let status = Arc::new(Status::new(2));
        let writer = writer(&status);
        let begin = async || writer.send(BeginLease).await.unwrap();
        let lease = Lease { writer: writer.clone(), number: begin().await.unwrap() };
        assert!(status.journal_is_leased.load(Ordering::Relaxed));
        assert_eq!(begin().await, None, "there is one already");
        writer.send(Release { sequence: SEQUENCE, through: 7 }).await.unwrap();
        assert_eq!(count(&mut lease.reader().await.unwrap()), 10);
        drop(lease);
        let mut reader = writer.send(MakeReader).await.unwrap().unwrap();
        assert_eq!(count(&mut reader), 3, "what was released meanwhile is deleted");
        assert!(!status.journal_is_leased.load(Ordering::Relaxed));

        let lease = Lease { writer: writer.clone(), number: begin().await.unwrap() };
        writer.send(EndLease(1)).await.unwrap();
        assert_eq!(begin().await, None, "an old lease does not end a newer one");
        writer.send(Release { sequence: SEQUENCE, through: 8 }).await.unwrap();
        assert_eq!(count(&mut lease.reader().await.unwrap()), 3);
    });
}
