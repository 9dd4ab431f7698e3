//! The start of a node: snapshots, then the journal's entries after them, then whatever outcomes
//! the ledger lacks. Afterwards the state is exactly what was answered for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd_domain::control::Control;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::Shard;
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::disk::Disk;
use redeemd_persistence::journal::{self, DirectoryId, Journal, RecoveryReport, Requirement};
use redeemd_persistence::ledger::{self, Batch, Ledger};
use redeemd_persistence::snapshot::{self, Snapshots};

use crate::replay::Replay;

/// What a node is brought back from.
#[derive(Debug)]
pub struct Sources {
    /// The data directory's files.
    pub disk: Arc<dyn Disk>,
    /// Who the data directory is.
    pub directory: DirectoryId,
    /// How its slots are divided.
    pub layout: ShardLayout,
    /// How its journal is kept.
    pub journal: journal::Options,
    /// How its ledger is kept.
    pub ledger: ledger::Settings,
}

/// A node brought back.
pub struct Recovered {
    /// How its slots are divided.
    pub layout: ShardLayout,
    /// The control state.
    pub control: RecoveredMachine<Control>,
    /// The shards, in order.
    pub shards: Vec<RecoveredMachine<Shard>>,
    /// The journal, ready for more.
    pub journal: Box<dyn Journal>,
    /// The ledger, covering everything that was brought back: durably, unless its disk is full.
    pub ledger: Ledger,
    /// The snapshots.
    pub snapshots: Snapshots,
    /// What was found.
    pub report: Report,
}

/// A machine brought back.
#[derive(Debug)]
pub struct RecoveredMachine<M> {
    /// The state.
    pub machine: M,
    /// The entry of the snapshot that it began from; 0 without one.
    pub snapshot: u64,
}

/// What bringing a node back found.
#[derive(Debug)]
pub struct Report {
    /// In the journal.
    pub journal: RecoveryReport,
    /// In the ledger.
    pub ledger: ledger::Opened,
    /// How many outcomes the ledger lacked.
    pub outcomes_added: u64,
    /// What it did, in order, and how long each phase took.
    pub phases: Vec<(&'static str, Duration)>,
}

/// Why a node cannot be brought back. Nothing was overwritten.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The snapshots cannot be looked for.
    #[error("snapshots: {0}")]
    Snapshots(#[from] snapshot::Error),
    /// The ledger cannot be opened.
    #[error("{0}")]
    Ledger(#[from] ledger::Error),
    /// The journal cannot be opened.
    #[error("{0}")]
    Journal(#[from] journal::Error),
    /// What was read cannot be brought together.
    #[error("{sequence}: {reason}")]
    Replay {
        /// Where.
        sequence: SequenceId,
        /// Why.
        reason: String,
    },
}

/// Brings a node back.
///
/// # Errors
/// See [`Error`].
pub fn recover(sources: Sources) -> Result<Recovered, Error> {
    let Sources { disk, directory, layout, journal: options, ledger: settings } = sources;
    let mut phases = Phases::default();
    let snapshots = Snapshots::open(Arc::clone(&disk), directory)?;
    let (mut ledger, opened) = Ledger::open(Arc::clone(&disk), settings)?;
    phases.end("ledger");
    let mut control: Replay<Control> = begin(&snapshots, &ledger, layout, SequenceId::CONTROL)?;
    let mut shards = (0..layout.shards())
        .map(|shard| begin(&snapshots, &ledger, layout, SequenceId::shard(shard)))
        .collect::<Result<Vec<Replay<Shard>>, Error>>()?;

    phases.end("snapshots");
    let requirement = |sequence, covered| Requirement {
        sequence,
        covered,
        seen: ledger.durable(sequence).max(covered),
    };
    let requirements: Vec<Requirement> = std::iter::once((SequenceId::CONTROL, control.snapshot()))
        .chain(
            (0..layout.shards())
                .zip(&shards)
                .map(|(shard, replay)| (SequenceId::shard(shard), replay.snapshot())),
        )
        .map(|(sequence, covered)| requirement(sequence, covered))
        .collect();

    let mut outcomes_added = 0;
    let mut keep = |batch: &Batch| {
        outcomes_added += batch.records() as u64;
        ledger.append(batch).map_err(|error| error.to_string())
    };
    let mut progress = Progress::default();
    let (journal, report) = journal::open(disk, &options, &requirements, &mut |frame| {
        progress.show(u64::from(frame.count));
        match frame.sequence.as_shard() {
            None => control.frame(&frame, &mut keep),
            Some(shard) => match shards.get_mut(usize::from(shard)) {
                Some(replay) => replay.frame(&frame, &mut keep),
                None => Err(format!("there are {} shards", layout.shards())),
            },
        }
    })?;
    phases.end("journal");
    let control = finish(SequenceId::CONTROL, control, &mut keep)?;
    let shards = (0..)
        .zip(shards)
        .map(|(shard, replay)| finish(SequenceId::shard(shard), replay, &mut keep))
        .collect::<Result<Vec<_>, Error>>()?;
    match ledger.commit() {
        // The journal has it all, and the ledger's keeper tries again: a full disk must not keep a
        // server from starting.
        Err(error) if error.is_for_want_of_space() => {
            tracing::warn!(%error, "the ledger waits for room on its disk");
        }
        other => drop(other?),
    }
    phases.end("outcomes");
    let phases = phases.ended;
    let report = Report { journal: report, ledger: opened, outcomes_added, phases };
    Ok(Recovered { layout, control, shards, journal, ledger, snapshots, report })
}

/// Measures what follows each other.
struct Phases {
    begun: Instant,
    ended: Vec<(&'static str, Duration)>,
}

impl Default for Phases {
    fn default() -> Self {
        Self { begun: Instant::now(), ended: Vec::new() }
    }
}

impl Phases {
    fn end(&mut self, name: &'static str) {
        let now = Instant::now();
        self.ended.push((name, now - std::mem::replace(&mut self.begun, now)));
    }
}

/// Says now and then how far reading the journal has come.
struct Progress {
    entries: u64,
    said: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self { entries: 0, said: Instant::now() }
    }
}

impl Progress {
    const INTERVAL: Duration = Duration::from_secs(5);

    fn show(&mut self, entries: u64) {
        self.entries += entries;
        if self.said.elapsed() >= Self::INTERVAL {
            tracing::info!(entries = self.entries, "reading the journal");
            self.said = Instant::now();
        }
    }
}

fn begin<M: crate::sequenced::Sequenced>(
    snapshots: &Snapshots,
    ledger: &Ledger,
    layout: ShardLayout,
    sequence: SequenceId,
) -> Result<Replay<M>, Error> {
    let durable = ledger.durable(sequence);
    Ok(Replay::begin(snapshots, layout, sequence, durable, durable, ledger.key_hasher())?)
}

fn finish<M: crate::sequenced::Sequenced>(
    sequence: SequenceId,
    replay: Replay<M>,
    keep: &mut dyn FnMut(&Batch) -> Result<(), String>,
) -> Result<RecoveredMachine<M>, Error> {
    let snapshot = replay.snapshot();
    let machine = replay.finish(keep).map_err(|reason| Error::Replay { sequence, reason })?;
    tracing::debug!(%sequence, snapshot, last = machine.last(), "brought back");
    Ok(RecoveredMachine { machine, snapshot })
}
