//! What is read of a ledger, with one on a disk.

use std::sync::Arc;

use redeemd_domain::campaign::Revision;
use redeemd_domain::codes::{CampaignNumber, CodeKey, HintKey, Serial};
use redeemd_domain::control::Control;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Event, Record, Redemption};
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::journal::DirectoryId;
use redeemd_persistence::ledger::{Batch, Ledger, LedgerReader, Settings};
use redeemd_persistence::postgres::{Chain, Checkpoint, Renderer};

use crate::ledger_record;
use crate::projector::reading::{Error, Read, read, verify};
use crate::projector::step::Order;

const DIRECTORY: DirectoryId = DirectoryId([1; 16]);
const SHARD: SequenceId = SequenceId::shard(0);

fn genesis() -> Checkpoint {
    Checkpoint::genesis(DIRECTORY, SHARD)
}

/// A ledger with an outcome at every even entry: up to one of them durable, and up to another one
/// only appended.
struct Known {
    _folder: tempfile::TempDir,
    _ledger: Ledger,
    reader: LedgerReader,
}

impl Known {
    fn new(durable: u64, appended: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(RealDisk::new(folder.path()));
        let mut ledger = Ledger::open(disk, Settings::new(DIRECTORY.0, [1; 16])).unwrap().0;
        let mut scratch = Vec::new();
        for (first, last) in [(1, durable), (durable + 1, appended)] {
            let mut batch = Batch::new(SHARD, first, ledger.key_hasher());
            for number in (first..=last).filter(|number| number.is_multiple_of(2)) {
                ledger_record::push(&redemption(number), &mut batch, &mut scratch).unwrap();
            }
            batch.cover(last);
            ledger.append(&batch).unwrap();
            if last == durable {
                ledger.commit().unwrap();
            }
        }
        let reader = ledger.reader();
        assert_eq!((reader.durable(SHARD), reader.appended(SHARD)), (durable, appended));
        Self { _folder: folder, _ledger: ledger, reader }
    }

    /// The digest over all outcomes up to an entry.
    fn chain(&self, through: u64) -> Chain {
        let page = self.reader.scan(SHARD, 0, 1_000).unwrap();
        let before = page.records.iter().filter(|record| record.position.number <= through);
        before.fold(genesis().chain, |chain, record| {
            chain.followed_by(record.position.number, &record.bytes)
        })
    }

    fn at(&self, through: u64) -> Checkpoint {
        Checkpoint { through, chain: self.chain(through) }
    }

    fn read(&self, from: Checkpoint, through: u64, limit: usize, aside: Option<&str>) -> Read {
        let set_aside = aside.map(str::to_owned);
        let order = Order { sequence: SHARD, from, through, limit, set_aside };
        let renderer = Renderer::new(HintKey::new(&[1; 32]));
        read(&self.reader, (&renderer, &Control::new()), &order).unwrap()
    }

    fn verify(&self, known: Checkpoint, found: Checkpoint) -> Result<(), Error> {
        verify(&self.reader, SHARD, known, genesis(), found)
    }
}

fn redemption(number: u64) -> Record {
    let campaign = CampaignNumber(1);
    let event = Event::Redeemed(Redemption {
        code: CodeKey::Sealed { campaign, serial: Serial::new(number).unwrap() },
        campaign,
        revision: Revision(1),
        generation: 0,
        uses_left: Some(0),
        user: "ada".into(),
        metadata: None,
    });
    Record { number, at: Timestamp(number), api_key: ApiKeyNumber(1), request: None, event }
}

#[test]
fn a_batch_goes_as_far_as_it_may_and_not_as_far_as_the_ledger() {
    let known = Known::new(40, 60);
    for through in [40, 31, 30, 2, 1] {
        let read = known.read(genesis(), through, 1_000, None);
        assert_eq!((read.batch.from, read.batch.to), (genesis(), known.at(through)));
        assert_eq!(
            (read.outcomes as u64, read.batch.rows.count() as u64),
            (through / 2, through / 2)
        );
    }
}

#[test]
fn batches_that_are_full_follow_each_other_and_leave_nothing_out() {
    let known = Known::new(40, 40);
    let (mut at, mut outcomes) = (genesis(), 0);
    while at.through < 40 {
        let read = known.read(at, 40, 3, None);
        assert!((1..=3).contains(&read.outcomes), "{}", read.outcomes);
        assert_eq!(read.batch.from, at);
        (at, outcomes) = (read.batch.to, outcomes + read.outcomes);
        assert_eq!(at, known.at(at.through));
    }
    assert_eq!(outcomes, 20);
}

#[test]
fn what_is_set_aside_leaves_no_rows_and_is_kept_all_the_same() {
    let known = Known::new(40, 40);
    let read = known.read(known.at(10), 40, 1, Some("no"));
    assert_eq!((read.outcomes, read.batch.rows.count()), (1, 0));
    let aside = read.batch.set_aside.unwrap();
    assert_eq!((aside.position.number, aside.reason.as_str()), (12, "no"));
    assert_eq!(read.batch.to, known.at(read.batch.to.through));
}

#[test]
fn only_a_database_with_the_ledgers_past_is_believed() {
    let known = Known::new(40, 60);
    let other = |through| Checkpoint { through, chain: Chain([7; 16]) };
    for (before, found) in [
        (genesis(), known.at(40)),
        (known.at(20), known.at(21)),
        // It went back to its own backup.
        (known.at(30), known.at(10)),
        (known.at(30), genesis()),
        // What is known may be wrong: the ledger counts.
        (other(30), known.at(10)),
    ] {
        known.verify(before, found).unwrap_or_else(|error| panic!("{before:?} {found:?}: {error}"));
    }
    for (before, found) in [
        (genesis(), other(40)),
        (known.at(20), other(20)),
        (known.at(20), other(21)),
        (known.at(30), other(10)),
        (genesis(), Checkpoint { through: 30, ..known.at(40) }),
        // Ahead of what is durable, although the ledger has it in memory.
        (genesis(), known.at(41)),
        (known.at(40), known.at(60)),
    ] {
        let refused = known.verify(before, found);
        assert!(matches!(refused, Err(Error::Foreign(_))), "{before:?} {found:?}");
    }
}
