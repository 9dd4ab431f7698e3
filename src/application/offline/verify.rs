//! Reading everything that a data directory has, and saying whether it fits together.

use redeemd_actors::examination::{Examination, Finding};
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::disk::{Disk, RealDisk};
use redeemd_persistence::journal::{self, ChainDigest, inspect};
use redeemd_persistence::ledger;
use redeemd_persistence::snapshot::Snapshots;
use serde::Serialize;

use super::super::storage;
use super::ledger_damage::base;
use super::{Error, Offline, Progress};

/// What was found in a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether a server would start from it, with everything that it ever answered.
    pub healthy: bool,
    /// The directory's identifier.
    pub directory: String,
    /// How often it was restored or salvaged.
    pub epoch: u32,
    /// What keeps its journal.
    pub engine: String,
    /// How many blocks the journal has.
    pub journal_blocks: u64,
    /// How many bytes those have.
    pub journal_bytes: u64,
    /// Bytes at the journal's end of a block that was never acknowledged.
    pub journal_torn_bytes: u64,
    /// How many files the ledger's log has.
    pub ledger_files: u32,
    /// How many bytes of them count.
    pub ledger_bytes: u64,
    /// How many outcomes it has.
    pub ledger_records: u64,
    /// Whether the ledger is damaged: what it has of each sequence is what is whole of it then.
    pub ledger_is_damaged: bool,
    /// Each sequence, the control sequence first.
    pub sequences: Vec<SequenceReport>,
    /// What is wrong, one line each: what, where, what it means.
    pub problems: Vec<String>,
    /// What is not as it should be and does no harm.
    pub warnings: Vec<String>,
}

/// One sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SequenceReport {
    /// `control`, `shard-000` …
    pub sequence: String,
    /// The first entry in the journal; without any, the one that would be next.
    pub first: u64,
    /// The last entry.
    pub last: u64,
    /// How many frames of it the journal has.
    pub frames: u64,
    /// How many bytes those have.
    pub bytes: u64,
    /// The digest of its last frame, which covers all frames before it.
    pub chain: Option<String>,
    /// The entries at which there are snapshots that read, newest first.
    pub snapshots: Vec<u64>,
    /// Up to which entry the ledger has its outcomes.
    pub ledger: u64,
    /// SHA-256 over its state at the last entry.
    pub state: String,
}

impl Offline {
    /// Reads snapshots, ledger and journal to their ends, and replays the journal. Changes nothing.
    ///
    /// # Errors
    /// When something cannot be read at all; what is damaged is in the result.
    pub fn verify(&self, progress: &mut dyn Progress) -> Result<Verification, Error> {
        let identity = self.identity();
        let layout = storage::layout(identity)?;
        let disk: RealDisk = RealDisk::read_only(self.directory.path());
        let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(disk);
        let mut found = Verification {
            healthy: false,
            directory: identity.id.to_string(),
            epoch: identity.epoch.number,
            engine: identity.engine.clone(),
            journal_blocks: 0,
            journal_bytes: 0,
            journal_torn_bytes: 0,
            ledger_files: 0,
            ledger_bytes: 0,
            ledger_records: 0,
            ledger_is_damaged: false,
            sequences: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        };

        progress.begin("reading snapshots", total_bytes(&*disk, "snapshots", ".snapshot")?);
        let snapshots = Snapshots::look_at(std::sync::Arc::clone(&disk), identity.id);
        let mut examination =
            Examination::begin(&snapshots, layout, &mut |bytes| progress.advance(bytes))?;

        progress.begin("reading the ledger", total_bytes(&*disk, "ledger/log", ".records")?);
        let inspected = ledger::inspect(&*disk, identity.id.0, &mut |position, bytes| {
            progress.advance(bytes.len() as u64);
            examination.ledger_record(position, bytes);
        });
        match inspected {
            Ok(log) => {
                for &(sequence, last) in &log.covered {
                    examination.ledger_covers(sequence, last);
                }
                (found.ledger_files, found.ledger_bytes) = (log.files, log.bytes);
                found.ledger_records = log.records;
                if let Some(error) = ledger::lost_end(&*disk, log.blocks)? {
                    found.ledger_is_damaged = true;
                    found.problems.push(error.to_string());
                }
            }
            Err(error) => {
                // What is whole of it counts all the same.
                let damage = ledger::assess_damage(&*disk, identity.id.0)?;
                for (sequence, last) in damage.iter().flat_map(|damage| &damage.cut.covered) {
                    examination.ledger_covers(*sequence, *last);
                }
                let error = damage.map_or(error, |damage| damage.error);
                found.ledger_is_damaged = true;
                found.problems.push(error.to_string());
            }
        }

        let journal = self.inspected()?;
        progress.begin("reading the journal", total_bytes(&*disk, "journal", ".segment")?);
        let read = inspect(journal.disk.clone(), &journal.options, &[], &mut |frame| {
            progress.advance(frame.stored_bytes());
            examination.frame(&frame)
        });
        let mut tails = None;
        match read {
            Ok(report) => {
                (found.journal_blocks, found.journal_bytes) = (report.blocks, report.bytes);
                found.journal_torn_bytes = report.torn_tail.map_or(0, |torn| torn.dropped_bytes);
                tails = Some(report.tails);
            }
            Err(error) => found.problems.push(error.to_string()),
        }
        for finding in examination.findings() {
            found.take(finding, tails.as_deref());
        }
        found.healthy = found.problems.is_empty();
        Ok(found)
    }
}

impl Verification {
    /// Takes in what was found of a sequence. `tails` are the journal's, where it reads to its end.
    fn take(&mut self, finding: Finding, tails: Option<&[(SequenceId, journal::Tail)]>) {
        let Finding { sequence, first, last, ledger, .. } = finding;
        let tail = tails.and_then(|tails| tails.iter().find(|(known, _)| *known == sequence));
        let tail = tail.map(|(_, tail)| *tail);
        let journal_end = tails.map(|_| tail.map_or(0, |tail| tail.last));
        let first = first.unwrap_or_else(|| journal_end.unwrap_or(0) + 1);
        let snapshot = finding.snapshots.first().copied().unwrap_or(0);
        for damaged in finding.damaged_snapshots {
            self.warnings.push(format!("{damaged}; the server sets it aside when it starts"));
        }
        if let Some(journal_end) = journal_end {
            let seen = ledger.max(snapshot);
            if journal_end < seen {
                self.problems.push(format!(
                    "the journal of {sequence} ends at entry {journal_end}, but entry {seen} was \
                     durable before; restore a backup, or see what `journal salvage` would lose"
                ));
            } else if first > snapshot + 1 {
                self.problems.push(format!(
                    "the journal of {sequence} begins at entry {first}, and no snapshot that reads \
                     has what came before; restore a backup"
                ));
            } else if snapshot > ledger && !self.ledger_is_damaged {
                let ends = format!(
                    "a snapshot of {sequence} is at entry {snapshot}, but the ledger ends at {ledger}"
                );
                // As a start does it: from what the ledger covers, by the journal.
                if first > base(&finding.snapshots, ledger) + 1 {
                    self.problems.push(format!(
                        "{ends}, and the journal begins at entry {first}; restore a backup"
                    ));
                } else {
                    self.warnings.push(format!(
                        "{ends}; the journal has the rest, and the server gives it to the ledger when \
                         it starts"
                    ));
                }
            }
        }
        // What was read in part cannot be compared.
        if let Some(contradiction) = finding.contradiction.filter(|_| self.problems.is_empty()) {
            self.problems.push(format!("{sequence}: {contradiction}; restore a backup"));
        }
        let chain = tail.map(|journal::Tail { digest, .. }| ChainDigest::to_string(&digest));
        self.sequences.push(SequenceReport {
            sequence: sequence.to_string(),
            first,
            last,
            frames: finding.frames,
            bytes: finding.bytes,
            chain,
            snapshots: finding.snapshots,
            ledger,
            state: finding.state.iter().map(|byte| format!("{byte:02x}")).collect(),
        });
    }
}

/// How many bytes the files in a folder have whose names end so.
fn total_bytes(disk: &dyn Disk, folder: &str, suffix: &str) -> Result<u64, Error> {
    let mut bytes = 0;
    for name in disk.list(folder).unwrap_or_default() {
        if name.ends_with(suffix) {
            bytes += disk.open(&format!("{folder}/{name}"))?.length()?;
        }
    }
    Ok(bytes)
}
