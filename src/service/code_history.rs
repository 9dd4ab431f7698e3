//! What the ledger knows of one code, the newest first, and of the end of a redemption or a hold.

use redeemd_actors::directory::place_of;
use redeemd_actors::ledger_record::ended_key;
use redeemd_domain::codes::CodeKey;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::{Query, Record, Reply};
use redeemd_domain::slot::Slot;
use redeemd_persistence::ledger::{Key, KeyKind, LedgerReader};

use super::asking::reply;
use super::error::Error;
use super::ledger_search::{self, decode, unreadable};
use super::worker::Worker;

/// The most records of a code that are looked at for those that are wanted.
const MOST_RECORDS: usize = 10_000;

impl Worker {
    /// The records of a code that are wanted, the newest first and no more than `most`. Everything
    /// that its shard has done by now is among them.
    pub(super) async fn history(
        &self,
        code: CodeKey,
        most: usize,
        is_wanted: impl Fn(&Record) -> bool + Send + 'static,
    ) -> Result<Vec<Record>, Error> {
        let last = self.progress(code.slot()).await?;
        self.history_through(code, last, most, is_wanted).await
    }

    /// The record that ended a redemption or a hold, by its slot and the number of the entry that
    /// began it, however much happened to the code since. There is none of holds that expired.
    pub(super) async fn end_of(&self, slot: Slot, number: u64) -> Result<Option<Record>, Error> {
        let node = &self.inner().node;
        let sequence = SequenceId::shard(node.layout.shard_of(slot));
        let position = Position { sequence, number: self.progress(slot).await? };
        ledger_search::wait_until_appended(&node.ledger, position).await?;
        let ledger = node.ledger.clone();
        ledger_search::waiting(move || record_of_end(&ledger, sequence, slot, number)).await
    }

    /// The last entry that the shard of a slot has applied.
    async fn progress(&self, slot: Slot) -> Result<u64, Error> {
        let place = place_of(self.inner().node.layout, slot);
        match reply(self.query(place, Query::Progress)).await? {
            Reply::Progress { last, .. } => Ok(last),
            _ => Err(Error::internal("a shard was asked for its progress")),
        }
    }

    /// As [`Worker::history`], up to an entry of the code's shard.
    pub(super) async fn history_through(
        &self,
        code: CodeKey,
        last: u64,
        most: usize,
        is_wanted: impl Fn(&Record) -> bool + Send + 'static,
    ) -> Result<Vec<Record>, Error> {
        let node = &self.inner().node;
        let sequence = SequenceId::shard(node.layout.shard_of(code.slot()));
        let position = Position { sequence, number: last };
        ledger_search::wait_until_appended(&node.ledger, position).await?;
        let ledger = node.ledger.clone();
        let search = move || records_of(&ledger, code, position, most, is_wanted);
        ledger_search::waiting(search).await
    }
}

fn record_of_end(
    ledger: &LedgerReader,
    sequence: SequenceId,
    slot: Slot,
    number: u64,
) -> Result<Option<Record>, Error> {
    let key = ended_key(slot, number);
    for found in ledger.find(Key { kind: KeyKind::ENDED, bytes: &key }) {
        let found = found.map_err(unreadable)?.record;
        // Another key may have the same hash.
        if found.position.sequence != sequence {
            continue;
        }
        let record: Record = decode(&found)?;
        if record.ended() == Some((slot, number)) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn records_of(
    ledger: &LedgerReader,
    code: CodeKey,
    through: Position,
    most: usize,
    is_wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    let key = code.canonical();
    for found in ledger.find(Key { kind: KeyKind::CODE, bytes: &key }).take(MOST_RECORDS) {
        let found = found.map_err(unreadable)?.record;
        let Position { sequence, number } = found.position;
        // Another key may have the same hash, and the ledger may know more by now.
        if sequence != through.sequence || number > through.number {
            continue;
        }
        let record: Record = decode(&found)?;
        let mut is_about_it = false;
        record.codes(&mut |found| is_about_it |= found == code);
        if is_about_it && is_wanted(&record) {
            records.push(record);
            if records.len() >= most {
                break;
            }
        }
    }
    Ok(records)
}
