//! Bringing one sequence back: its newest usable snapshot, then the journal's entries after it.
//!
//! The start of the server, the rebuilding of an actor that panicked and the simulator all do it
//! with this.

use redeemd_domain::entry;
use redeemd_domain::machine::{Decode as _, Machine, Outcome};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::journal::Frame;
use redeemd_persistence::ledger::{Batch, KeyHasher};
use redeemd_persistence::snapshot::{self, Snapshots};

use crate::ledger_record;
use crate::sequenced::Sequenced;

/// How many entries' outcomes go to the ledger at once.
const BATCH_ENTRIES: u64 = 4096;

/// A machine on its way back.
#[derive(Debug)]
pub struct Replay<M: Sequenced> {
    sequence: SequenceId,
    machine: M,
    snapshot: u64,
    batch: Batch,
    hasher: KeyHasher,
    scratch: Vec<u8>,
}

impl<M: Sequenced> Replay<M> {
    /// Begins from the newest snapshot that reads and that the ledger, durable up to `durable`,
    /// covers. A snapshot that does not read is set aside: the journal still has what led to it,
    /// or refuses. `appended` is how far the ledger has the sequence's outcomes.
    ///
    /// # Errors
    /// When the snapshots cannot be looked for, or there is no such sequence.
    pub fn begin(
        snapshots: &Snapshots,
        layout: ShardLayout,
        sequence: SequenceId,
        durable: u64,
        appended: u64,
        hasher: KeyHasher,
    ) -> Result<Self, snapshot::Error> {
        let mut found = None;
        for number in snapshots.list(sequence)? {
            if number > durable {
                tracing::warn!(%sequence, number, durable, "the ledger does not cover a snapshot");
                continue;
            }
            match load::<M>(snapshots, layout, sequence, number) {
                Ok(machine) => {
                    found = Some(machine);
                    break;
                }
                Err(
                    error @ (snapshot::Error::Damaged { .. } | snapshot::Error::Rejected { .. }),
                ) => {
                    tracing::warn!(%sequence, %error, "a snapshot does not read and is set aside");
                    snapshots.set_aside(sequence, number)?;
                }
                Err(error) => return Err(error),
            }
        }
        let machine = match found {
            Some(machine) => machine,
            None => M::fresh(layout, sequence).ok_or_else(|| snapshot::Error::Rejected {
                path: sequence.to_string(),
                what: format!("there are {} shards", layout.shards()),
            })?,
        };
        let snapshot = machine.last();
        let batch = Batch::new(sequence, appended + 1, hasher);
        Ok(Self { sequence, machine, snapshot, batch, hasher, scratch: Vec::new() })
    }

    /// The entry of the snapshot that it began from; 0 without one.
    pub fn snapshot(&self) -> u64 {
        self.snapshot
    }

    /// The last entry that it has.
    pub fn last(&self) -> u64 {
        self.machine.last()
    }

    /// Applies the entries of a frame that it does not have yet. Outcomes that the ledger does not
    /// have go to `keep`, in batches.
    ///
    /// # Errors
    /// A reason, when the frame does not continue what went before, or does not decode.
    pub fn frame(
        &mut self,
        frame: &Frame<'_>,
        keep: &mut dyn FnMut(&Batch) -> Result<(), String>,
    ) -> Result<(), String> {
        let Self { machine, batch, scratch, .. } = self;
        apply_frame(machine, self.sequence, frame, |number, outcome| match outcome {
            Outcome::Done(record) if number >= batch.first() => {
                ledger_record::push(record.as_ref(), batch, scratch)
                    .map_err(|error| format!("the outcome of entry {number} is not kept: {error}"))
            }
            _ => Ok(()),
        })?;
        if self.machine.last() + 1 >= self.batch.first() + BATCH_ENTRIES {
            self.keep_batch(keep)?;
        }
        Ok(())
    }

    /// Ends: the outcomes that the ledger still lacks go to `keep`.
    ///
    /// # Errors
    /// As `keep`.
    pub fn finish(
        mut self,
        keep: &mut dyn FnMut(&Batch) -> Result<(), String>,
    ) -> Result<M, String> {
        self.keep_batch(keep)?;
        Ok(self.machine)
    }

    fn keep_batch(
        &mut self,
        keep: &mut dyn FnMut(&Batch) -> Result<(), String>,
    ) -> Result<(), String> {
        let last = self.machine.last();
        if last < self.batch.first() {
            return Ok(());
        }
        self.batch.cover(last);
        keep(&self.batch)?;
        self.batch = Batch::new(self.sequence, last + 1, self.hasher);
        Ok(())
    }
}

/// Applies the entries of a frame that a machine does not have yet, and hands `visit` the number of
/// each and what came of it.
///
/// # Errors
/// A reason, when the frame does not continue what the machine has, or does not decode; or that of
/// `visit`, which is not called again then.
pub(crate) fn apply_frame<M: Machine>(
    machine: &mut M,
    sequence: SequenceId,
    frame: &Frame<'_>,
    mut visit: impl FnMut(u64, Outcome<M>) -> Result<(), String>,
) -> Result<(), String> {
    let mut result = Ok(());
    entry::decode(frame.payload, frame.first, frame.count, |entry| {
        let (number, expected) = (entry.number, machine.last() + 1);
        if number < expected || result.is_err() {
            return;
        }
        result = if number > expected {
            Err(format!("entry {expected} of {sequence} is missing"))
        } else {
            visit(number, machine.apply(entry))
        };
    })
    .map_err(|error| error.to_string())?;
    result
}

/// Reads a snapshot into a machine.
pub(crate) fn load<M: Sequenced>(
    snapshots: &Snapshots,
    layout: ShardLayout,
    sequence: SequenceId,
    number: u64,
) -> Result<M, snapshot::Error> {
    let mut decoder = M::decoder(layout, sequence);
    snapshots.read(sequence, number, &mut |section| {
        decoder.section(section).map_err(|error| error.to_string())
    })?;
    let rejected =
        |what: String| snapshot::Error::Rejected { path: format!("{sequence} at {number}"), what };
    let machine = decoder.finish().map_err(|error| rejected(error.to_string()))?;
    if machine.last() == number { Ok(machine) } else { Err(rejected("another entry".to_owned())) }
}
