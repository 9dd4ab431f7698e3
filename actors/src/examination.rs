//! Looking at what a node would be brought back from, without changing any of it: whether snapshots,
//! journal and ledger read, and whether they say the same.
//!
//! First the snapshots are read, then every record of the ledger is shown to
//! [`Examination::ledger_record`], then every frame of the journal to [`Examination::frame`].

use redeemd_domain::control::Control;
use redeemd_domain::machine::Outcome;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::Shard;
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::journal::Frame;
use redeemd_persistence::snapshot::{self, Snapshots};
use sha2::{Digest as _, Sha256};

use crate::ledger_record;
use crate::replay::{apply_frame, load};
use crate::sequenced::Sequenced;

/// All sequences of a data directory.
pub struct Examination {
    layout: ShardLayout,
    control: Examined<Control>,
    shards: Vec<Examined<Shard>>,
}

/// What was found of one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The sequence.
    pub sequence: SequenceId,
    /// The entries at which there are snapshots that read, newest first.
    pub snapshots: Vec<u64>,
    /// The snapshots that do not read, and why.
    pub damaged_snapshots: Vec<String>,
    /// The first entry in the journal, if there is any.
    pub first: Option<u64>,
    /// The last entry that was reached: of the newest snapshot, or of the journal after it.
    pub last: u64,
    /// How many frames of it the journal has.
    pub frames: u64,
    /// How many bytes those have.
    pub bytes: u64,
    /// SHA-256 over the state at the last entry.
    pub state: [u8; 32],
    /// Up to which entry the ledger has it.
    pub ledger: u64,
    /// Why the ledger's records and the journal's entries after the newest snapshot do not go
    /// together, if they do not.
    pub contradiction: Option<String>,
}

impl Examination {
    /// Reads the snapshots. `progress` hears of the bytes that were read.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn begin(
        snapshots: &Snapshots,
        layout: ShardLayout,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, snapshot::Error> {
        let control = Examined::begin(snapshots, layout, SequenceId::CONTROL, progress)?;
        let shards = (0..layout.shards())
            .map(|shard| Examined::begin(snapshots, layout, SequenceId::shard(shard), progress))
            .collect::<Result<_, _>>()?;
        Ok(Self { layout, control, shards })
    }

    /// Takes note of a record of the ledger.
    pub fn ledger_record(&mut self, position: Position, bytes: &[u8]) {
        match position.sequence.as_shard() {
            None => self.control.ledger_record(position.number, bytes),
            Some(shard) => {
                if let Some(examined) = self.shards.get_mut(usize::from(shard)) {
                    examined.ledger_record(position.number, bytes);
                }
            }
        }
    }

    /// Says up to which entry the ledger has a sequence, once all of it was read.
    pub fn ledger_covers(&mut self, sequence: SequenceId, last: u64) {
        match sequence.as_shard() {
            None => self.control.covered = last,
            Some(shard) => {
                if let Some(examined) = self.shards.get_mut(usize::from(shard)) {
                    examined.covered = last;
                }
            }
        }
    }

    /// Applies a frame of the journal.
    ///
    /// # Errors
    /// When it does not decode or does not follow.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        match frame.sequence.as_shard() {
            None => self.control.frame(frame),
            Some(shard) => match self.shards.get_mut(usize::from(shard)) {
                Some(examined) => examined.frame(frame),
                None => Err(format!("there are {} shards", self.layout.shards())),
            },
        }
    }

    /// What was found, the control sequence first.
    pub fn findings(self) -> Vec<Finding> {
        let shards = self.shards.into_iter().map(Examined::finding);
        std::iter::once(self.control.finding()).chain(shards).collect()
    }
}

/// One sequence.
struct Examined<M: Sequenced> {
    sequence: SequenceId,
    machine: M,
    snapshots: Vec<u64>,
    damaged_snapshots: Vec<String>,
    first: Option<u64>,
    frames: u64,
    bytes: u64,
    covered: u64,
    /// Over the records after the newest snapshot: as the ledger has them, and as they come of the
    /// journal's entries.
    recorded: Sha256,
    replayed: Sha256,
    contradiction: Option<String>,
    scratch: Vec<u8>,
}

impl<M: Sequenced> Examined<M> {
    fn begin(
        snapshots: &Snapshots,
        layout: ShardLayout,
        sequence: SequenceId,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, snapshot::Error> {
        let (mut machine, mut read, mut damaged) = (None, Vec::new(), Vec::new());
        for number in snapshots.list(sequence)? {
            let bytes = snapshots.find(sequence, number)?.file().length()?;
            match load::<M>(snapshots, layout, sequence, number) {
                Ok(loaded) => {
                    machine.get_or_insert(loaded);
                    read.push(number);
                }
                Err(snapshot::Error::Disk(error)) => return Err(error.into()),
                Err(error) => damaged.push(error.to_string()),
            }
            progress(bytes);
        }
        let machine = match machine {
            Some(machine) => machine,
            None => M::fresh(layout, sequence).ok_or_else(|| snapshot::Error::Rejected {
                path: sequence.to_string(),
                what: format!("there are {} shards", layout.shards()),
            })?,
        };
        Ok(Self {
            sequence,
            machine,
            snapshots: read,
            damaged_snapshots: damaged,
            first: None,
            frames: 0,
            bytes: 0,
            covered: 0,
            recorded: Sha256::new(),
            replayed: Sha256::new(),
            contradiction: None,
            scratch: Vec::new(),
        })
    }

    fn ledger_record(&mut self, number: u64, bytes: &[u8]) {
        if number <= self.machine.last() {
            return;
        }
        // What an older version wrote is compared in the form that this version writes.
        match ledger_record::decode::<M::Record>(bytes) {
            Ok(record) if ledger_record::encode(&record, &mut self.scratch).is_ok() => {
                note(&mut self.recorded, number, &self.scratch);
            }
            Ok(_) => {}
            Err(error) => {
                let contradiction = || format!("the ledger's record of entry {number}: {error}");
                self.contradiction.get_or_insert_with(contradiction);
            }
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        self.first.get_or_insert(frame.first);
        self.frames += 1;
        self.bytes += frame.stored_bytes();
        let Self { machine, covered, scratch, replayed, .. } = self;
        apply_frame(machine, self.sequence, frame, |number, outcome| {
            if let Outcome::Done(record) = outcome
                && number <= *covered
                && ledger_record::encode(record.as_ref(), scratch).is_ok()
            {
                note(replayed, number, scratch);
            }
            Ok(())
        })
    }

    fn finding(self) -> Finding {
        let last = self.machine.last();
        let snapshot = self.snapshots.first().copied().unwrap_or(0);
        let contradiction = self.contradiction.or_else(|| {
            let (recorded, replayed) = (self.recorded.finalize(), self.replayed.finalize());
            (last >= self.covered && recorded != replayed).then(|| {
                format!(
                    "the ledger's records of entries {} to {} are not what the journal's entries \
                     lead to",
                    snapshot + 1,
                    self.covered
                )
            })
        });
        Finding {
            sequence: self.sequence,
            snapshots: self.snapshots,
            damaged_snapshots: self.damaged_snapshots,
            first: self.first,
            last,
            frames: self.frames,
            bytes: self.bytes,
            state: self.machine.digest(),
            ledger: self.covered,
            contradiction,
        }
    }
}

fn note(hash: &mut Sha256, number: u64, record: &[u8]) {
    hash.update(number.to_le_bytes());
    hash.update((record.len() as u64).to_le_bytes());
    hash.update(record);
}
