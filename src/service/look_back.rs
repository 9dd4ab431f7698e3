//! Looking back over all shards: their records merged, the newest first.

use std::collections::{BinaryHeap, VecDeque};

use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::Record;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::ledger::LedgerReader;

use super::error::Error;
use super::ledger_search::{decode, unreadable};
use super::redemption_list::Place;

/// How many records of a shard are read at a time: about what a block of the ledger holds.
const PIECE: usize = 128;

/// Reads the records of all shards backwards.
pub(super) struct LookBack<'a> {
    ledger: &'a LedgerReader,
    shards: Vec<OneShard>,
    /// The newest record that is left of each shard that has any.
    heads: BinaryHeap<Place>,
}

/// What is left of one shard.
struct OneShard {
    sequence: SequenceId,
    /// What was read of it and not given out, the newest first.
    records: VecDeque<Record>,
    /// Everything from this number on was read.
    before: u64,
}

impl<'a> LookBack<'a> {
    /// Begins at the records that come before both a moment and a place.
    pub(super) fn begin(
        ledger: &'a LedgerReader,
        shards: u16,
        to: Option<Timestamp>,
        before: Option<Place>,
    ) -> Result<Self, Error> {
        let mut look_back = Self { ledger, shards: Vec::new(), heads: BinaryHeap::new() };
        for shard in 0..shards {
            let sequence = SequenceId::shard(shard);
            let before = first_number(ledger, shard, to, before)?;
            look_back.shards.push(OneShard { sequence, records: VecDeque::new(), before });
            look_back.refill(shard)?;
        }
        Ok(look_back)
    }

    /// The place of the next record; `None` at the end.
    pub(super) fn place(&self) -> Option<Place> {
        self.heads.peek().copied()
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Error> {
        let Some(Place { shard, .. }) = self.heads.pop() else { return Ok(None) };
        let one = self.shards.get_mut(usize::from(shard));
        let record = one.and_then(|one| one.records.pop_front());
        self.refill(shard)?;
        Ok(record)
    }

    /// Brings the newest record that is left of a shard among the heads.
    fn refill(&mut self, shard: u16) -> Result<(), Error> {
        let Some(one) = self.shards.get_mut(usize::from(shard)) else { return Ok(()) };
        while one.records.is_empty() && one.before > 1 {
            let page = self.ledger.scan_back(one.sequence, one.before, PIECE);
            let page = page.map_err(unreadable)?;
            one.before = page.from.min(one.before - 1);
            for record in &page.records {
                one.records.push_back(decode(record)?);
            }
        }
        let head = one.records.front();
        self.heads.extend(head.map(|record| Place { at: record.at, shard, number: record.number }));
        Ok(())
    }
}

/// The number before which a shard's records come before both a moment and a place.
fn first_number(
    ledger: &LedgerReader,
    shard: u16,
    to: Option<Timestamp>,
    before: Option<Place>,
) -> Result<u64, Error> {
    let sequence = SequenceId::shard(shard);
    let by_place = match before {
        Some(place) if place.shard == shard => return Ok(place.number),
        // Of its own millisecond, those of a lower shard come before the place.
        Some(place) if shard < place.shard => Some(Timestamp(place.at.0.saturating_add(1))),
        Some(place) => Some(place.at),
        None => None,
    };
    let moment = [to, by_place].into_iter().flatten().min();
    let appended = ledger.appended(sequence);
    let Some(moment) = moment else { return Ok(appended.saturating_add(1)) };
    // Stamps of one sequence never run backwards. Up to `low` all records are earlier than the
    // moment, and after `high` none is.
    let (mut low, mut high) = (0, appended);
    while low < high {
        let middle = low + (high - low) / 2;
        let page = ledger.scan(sequence, middle, 1).map_err(unreadable)?;
        match page.records.first() {
            Some(found) if found.position.number <= high => {
                let record: Record = decode(found)?;
                if record.at < moment { low = record.number } else { high = middle }
            }
            _ => high = middle,
        }
    }
    Ok(low.saturating_add(1))
}
