//! Outcomes on their way from the database into a new ledger, compared with the digest over all of
//! them.

use redeemd_actors::ledger_record::{decode_control, decode_shard, push_as_it_is};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::ledger::{Batch, Ledger};
use redeemd_persistence::postgres::Checkpoint;

use super::super::{Error, Progress};
use super::{KnownEnd, LostDirectory};

/// What merging the index may write for each byte of a new index entry, and the bytes of an entry:
/// see [`Ledger::maintain`].
const MERGING: u64 = 8 * 16;

/// Copies all outcomes of all sequences. Gives how many each has, in their order.
///
/// # Errors
/// When the database has other outcomes than were written there, or the disk fails.
pub(super) fn copy(
    lost: &LostDirectory,
    ledger: &mut Ledger,
    progress: &mut dyn Progress,
) -> Result<Vec<u64>, Error> {
    let entries = lost.ends.iter().map(|end| end.through).sum();
    progress.begin("copying outcomes", entries);
    let counts = lost.ends.iter().map(|end| copy_sequence(lost, ledger, end, progress));
    let counts = counts.collect::<Result<Vec<u64>, Error>>()?;
    ledger.commit()?;
    Ok(counts)
}

fn copy_sequence(
    lost: &LostDirectory,
    ledger: &mut Ledger,
    end: &KnownEnd,
    progress: &mut dyn Progress,
) -> Result<u64, Error> {
    let KnownEnd { sequence, goes_on_after, .. } = *end;
    let genesis = Checkpoint::genesis(lost.possession.directory, sequence);
    let known = lost.possession.checkpoints.get(&sequence).copied().unwrap_or(genesis);
    let (mut at, mut count) = (genesis, 0);
    // Of a sequence without entries nothing is read, and its ledger begins behind those passed over.
    if known.through == 0 {
        let mut batch = Batch::new(sequence, 1, ledger.key_hasher());
        batch.cover(goes_on_after);
        ledger.append(&batch)?;
    }
    while at.through < known.through {
        let page = lost.runner.block_on(lost.projection.outcomes(sequence, at.through))?;
        let mut batch = Batch::new(sequence, at.through + 1, ledger.key_hasher());
        let before = at.through;
        for (position, bytes) in page.iter().filter(|(it, _)| it.number <= known.through) {
            at.chain = at.chain.followed_by(position.number, bytes);
            push(*position, bytes, &mut batch)?;
            (at.through, count) = (position.number, count + 1);
        }
        // Entries without an outcome follow the last one, and other outcomes may follow the mark.
        let is_end =
            page.last().is_none_or(|(it, _)| it.number >= known.through) || page.is_empty();
        if is_end {
            at.through = known.through;
            batch.cover(goes_on_after);
        }
        let keys = 3 * batch.records() as u64;
        ledger.append(&batch)?;
        ledger.maintain(keys * MERGING)?;
        progress.advance(at.through - before);
    }
    if at.chain == known.chain {
        return Ok(count);
    }
    Err(Error::Refused(format!(
        "redeemd.outcomes does not have of {sequence} what was written there: up to entry {} there \
         are {count} outcomes, and their digest is another; some were removed or changed, or the \
         database was written by a redeemd that did not keep them yet",
        known.through
    )))
}

/// Adds an outcome with the keys by which the ledger finds it.
fn push(position: Position, bytes: &[u8], batch: &mut Batch) -> Result<(), Error> {
    let malformed = |error| Error::Refused(format!("the outcome of {position}: {error}"));
    let (number, pushed) = match position.sequence {
        SequenceId::CONTROL => {
            let record = decode_control(bytes).map_err(malformed)?;
            (record.number, push_as_it_is(&record, bytes, batch))
        }
        _ => {
            let record = decode_shard(bytes).map_err(malformed)?;
            (record.number, push_as_it_is(&record, bytes, batch))
        }
    };
    if number != position.number {
        return Err(Error::Refused(format!("the outcome of {position} is that of entry {number}")));
    }
    Ok(pushed?)
}
