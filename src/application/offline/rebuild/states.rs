//! The states of all sequences, brought back from the outcomes in the new ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_actors::ledger_record::{self, decode_control, decode_shard};
use redeemd_domain::campaign::History;
use redeemd_domain::control::{self, Control, Withheld};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::{self, End, Rebuilder, Shard, UserTally};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::ledger::{LedgerReader, Record};

use super::super::{Error, Progress};
use super::LostDirectory;

/// How many outcomes are read from the ledger at once.
const PAGE: usize = 4_096;

/// All states at their sequences' ends.
pub(super) struct States {
    pub(super) control: Control,
    pub(super) shards: Vec<Shard>,
}

/// Brings them back.
///
/// # Errors
/// When an outcome cannot have happened after those before it, or the ledger does not read.
pub(super) fn bring_back(
    lost: &LostDirectory,
    ledger: &LedgerReader,
    layout: ShardLayout,
    progress: &mut dyn Progress,
) -> Result<States, Error> {
    let entries = lost.ends.iter().map(|end| end.through).sum();
    progress.begin("bringing states back", entries);
    let withheld = lost.runner.block_on(lost.projection.withheld())?;
    let (control, history) = control_state(lost, ledger, withheld, progress)?;
    let history = Arc::new(history);
    // What was over when the last outcome happened stays over.
    let newest = lost.ends.iter().filter_map(|end| end.last_outcome).max().unwrap_or_default();
    let mut tally = UserTally::new(newest);
    let mut rebuilders = Vec::new();
    for shard in 0..layout.shards() {
        let mut rebuilder = Rebuilder::new(layout, shard, Arc::clone(&history));
        let sequence = SequenceId::shard(shard);
        read_all(lost, ledger, sequence, progress, &mut |record| {
            let decoded = shard_record(&record)?;
            let mut unread = None;
            let former = |number| match former(ledger, Position { sequence, number }) {
                Ok(found) => found,
                Err(error) => {
                    unread = Some(error);
                    None
                }
            };
            let taken = rebuilder.take(&decoded, former);
            match (unread, taken) {
                (Some(error), _) => Err(error),
                (None, Ok(traces)) => {
                    tally.count(&traces);
                    Ok(())
                }
                (None, Err(mismatch)) => Err(refused(record.position, &mismatch)),
            }
        })?;
        rebuilders.push(rebuilder);
    }
    let all: Vec<u64> =
        (0..layout.shards()).map(|it| lost.goes_on_after(SequenceId::shard(it))).collect();
    let ends = rebuilders.into_iter().zip(tally.by_shard(layout)).zip(&all);
    let shards = ends
        .map(|((rebuilder, users), &through)| rebuilder.finish(End { through, all: &all }, users));
    Ok(States { control, shards: shards.collect() })
}

fn control_state(
    lost: &LostDirectory,
    ledger: &LedgerReader,
    mut withheld: BTreeMap<u64, Withheld>,
    progress: &mut dyn Progress,
) -> Result<(Control, History), Error> {
    let mut rebuilder = control::Rebuilder::new();
    read_all(lost, ledger, SequenceId::CONTROL, progress, &mut |record| {
        let decoded = decode_control(&record.bytes);
        let decoded = decoded.map_err(|error| refused(record.position, &error))?;
        let taken = rebuilder.take(&decoded, withheld.remove(&decoded.number));
        taken.map_err(|mismatch| refused(record.position, &mismatch))
    })?;
    Ok(rebuilder.finish(lost.goes_on_after(SequenceId::CONTROL)))
}

/// Gives all outcomes of a sequence to `take`, in their order.
fn read_all(
    lost: &LostDirectory,
    ledger: &LedgerReader,
    sequence: SequenceId,
    progress: &mut dyn Progress,
    take: &mut dyn FnMut(Record) -> Result<(), Error>,
) -> Result<(), Error> {
    let end = lost.possession.through(sequence);
    let mut through = 0;
    while through < end {
        let page = ledger.scan(sequence, through, PAGE)?;
        if page.through == through {
            return Err(Error::Refused(format!("the new ledger of {sequence} ends at {through}")));
        }
        page.records.into_iter().try_for_each(&mut *take)?;
        // The last block also covers the entries that are passed over.
        let next = page.through.min(end);
        progress.advance(next - through);
        through = next;
    }
    Ok(())
}

/// The record of an earlier entry.
fn former(ledger: &LedgerReader, position: Position) -> Result<Option<shard::Record>, Error> {
    ledger.read(position)?.map(|record| shard_record(&record)).transpose()
}

fn shard_record(record: &Record) -> Result<shard::Record, Error> {
    let decoded: Result<_, ledger_record::Error> = decode_shard(&record.bytes);
    decoded.map_err(|error| refused(record.position, &error))
}

fn refused(position: Position, reason: &dyn std::error::Error) -> Error {
    let Position { sequence, number } = position;
    Error::Refused(format!("the outcome of entry {number} of {sequence}: {reason}"))
}
