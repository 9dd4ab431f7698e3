//! Getting a server running again whose journal or ledger is damaged, and saying what that costs.
//!
//! A damaged ledger is made anew from the journal, see `ledger_damage`. For a damaged journal
//! there are two ways. Where snapshots have what the damage took away, the journal goes on behind it
//! and *nothing* is lost. Otherwise everything from the damage on is
//! cut off; the snapshots and the ledger's outcomes that come from behind the cut go with it, since
//! a state that does not know them would contradict them. Whatever is taken away is kept aside.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_actors::ledger_record;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::{control, shard};
use redeemd_persistence::data_directory::Identity;
use redeemd_persistence::disk::{Disk, RealDisk};
use redeemd_persistence::exchange::{self, OldJournal};
use redeemd_persistence::journal::{self, Import, Keep, Loss, Options, assess, inspect, rebuild};
use redeemd_persistence::ledger::{self, Cut};
use redeemd_persistence::snapshot::Snapshots;

use super::super::storage;
use super::convert::read_back;
use super::parts::{Parts, of};
use super::{Error, Offline};

/// What would be done, and what would be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is wrong, and where.
    pub reason: String,
    /// What would be done about it.
    pub way: Way,
    /// The entries that would be lost.
    pub lost: Vec<LostEntries>,
    /// How many outcomes that were answered would be lost with them.
    pub lost_outcomes: u64,
    pub(super) loss: Option<Loss>,
    pub(super) snapshots: Vec<(SequenceId, u64)>,
    pub(super) cut: Option<Cut>,
    pub(super) ends: BTreeMap<SequenceId, u64>,
}

/// What is done about damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The damage is left out: snapshots have what it took away.
    LeaveOut,
    /// Everything from the damage on is cut off.
    CutOff,
    /// The ledger is damaged, and the journal has what it lost.
    RebuildLedger,
}

/// Entries of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostEntries {
    /// The sequence.
    pub sequence: SequenceId,
    /// The first of them.
    pub first: u64,
    /// The last that is known of.
    pub last: u64,
}

/// An outcome that would be lost.
#[derive(Clone, Debug, PartialEq)]
pub struct LostOutcome {
    /// The entry that it came of.
    pub position: Position,
    /// What happened.
    pub what: Lost,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Lost {
    /// To a code.
    Shard(Box<shard::Record>),
    /// To something else.
    Control(Box<control::Record>),
    /// It cannot be read.
    Unreadable,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// What was taken away, under the names under which it is kept.
    pub kept_aside: Vec<String>,
}

impl Offline {
    /// Says what is wrong with journal or ledger and what salvaging them would lose; `None` when they
    /// are whole and go together, and with the snapshots. Gives every outcome that would be lost to `visit`, and
    /// changes nothing.
    ///
    /// # Errors
    /// When something cannot be read, or when nothing can be done but restore a backup.
    pub fn assess(&self, visit: &mut dyn FnMut(LostOutcome)) -> Result<Option<Plan>, Error> {
        let journal = self.inspected()?;
        let mut first = BTreeMap::new();
        let read = inspect(journal.disk.clone(), &journal.options, &[], &mut |frame| {
            first.entry(frame.sequence).or_insert(frame.first);
            Ok(())
        });
        let loss = assess(journal.disk.clone(), &journal.options)?;
        let tails = match (&loss, read) {
            (Some(loss), _) => loss.kept.clone(),
            (None, Ok(report)) => report.tails,
            (None, Err(error)) => return Err(error.into()),
        };
        let ends: BTreeMap<SequenceId, u64> =
            tails.iter().map(|(sequence, tail)| (*sequence, tail.last)).collect();
        let begins = self.sequences().map(|sequence| {
            let first = first.get(&sequence).copied();
            (sequence, first.map_or_else(|| of(&ends, sequence), |first| first - 1))
        });
        let damage = ledger::assess_damage(&*journal.disk, self.identity().id.0)?;
        let parts = Parts {
            begins: begins.collect(),
            snapshots: self.readable_snapshots(&journal.disk)?,
            ledger: match &damage {
                Some(damage) => damage.cut.covered.iter().copied().collect(),
                None => self.ledger_covers(&*journal.disk)?,
            },
        };
        if let Some(damage) = damage {
            return self.rebuild_ledger(damage, loss.as_ref(), ends, &parts).map(Some);
        }
        let shortened =
            self.sequences().find(|&sequence| of(&ends, sequence) < parts.seen(sequence));
        let reason = match (&loss, shortened) {
            (None, None) => return Ok(None),
            (Some(loss), _) => format!("{} ({})", loss.damage, loss.place),
            (None, Some(sequence)) => format!(
                "the journal of {sequence} ends at entry {}, but entry {} was durable before",
                of(&ends, sequence),
                parts.seen(sequence)
            ),
        };
        if loss.as_ref().is_some_and(|loss| self.can_leave_out(loss, &parts)) {
            let (way, lost) = (Way::LeaveOut, Vec::new());
            let (snapshots, cut) = (Vec::new(), None);
            let plan = Plan { reason, way, lost, lost_outcomes: 0, loss, snapshots, cut, ends };
            return Ok(Some(plan));
        }
        self.cut_off(reason, loss, ends, &parts, &*journal.disk, visit).map(Some)
    }

    /// Does what a plan says, which must be what [`Offline::assess`] says now. Afterwards the
    /// directory has been brought back as a server would.
    ///
    /// # Errors
    /// When the disk fails or is full. It can be assessed and done again then.
    pub fn salvage(mut self, plan: &Plan) -> Result<Salvaged, Error> {
        let disk = self.directory.disk();
        let mut kept_aside = Vec::new();
        let snapshots = Snapshots::look_at(Arc::clone(&disk), self.identity().id);
        for &(sequence, number) in &plan.snapshots {
            let path = snapshots.find(sequence, number)?.path().to_owned();
            snapshots.set_aside(sequence, number)?;
            kept_aside.push(format!("{path}.damaged"));
        }
        if let Some(cut) = &plan.cut {
            kept_aside.extend(ledger::cut(&*disk, cut)?);
        }
        let mut identity = self.identity().clone();
        if plan.way == Way::CutOff {
            let mut mark = [0; 8];
            getrandom::fill(&mut mark).map_err(super::super::Error::from)?;
            identity.epoch = identity.epoch.next(mark);
        }
        match &plan.loss {
            Some(loss) => kept_aside.extend(self.exchange(loss, plan.way, &identity)?),
            None => self.directory.become_another(identity)?,
        }
        drop(storage::recover(&self.settings, &self.directory)?);
        Ok(Salvaged { kept_aside })
    }

    /// Whether snapshots have what the damage took away, and nothing is missing at the end.
    fn can_leave_out(&self, loss: &Loss, parts: &Parts) -> bool {
        let Some(rest) = &loss.rest else { return false };
        let made_up = |(sequence, gap): (SequenceId, journal::Tail)| {
            parts.newest_snapshot(sequence) >= gap.last
        };
        let ends: BTreeMap<SequenceId, u64> =
            loss.kept.iter().chain(&rest.ends).map(|(id, tail)| (*id, tail.last)).collect();
        let reaches = |sequence| of(&ends, sequence) >= parts.seen(sequence);
        loss.gaps().all(made_up) && self.sequences().all(reaches)
    }

    /// The plan to cut everything off from the damage on.
    fn cut_off(
        &self,
        reason: String,
        loss: Option<Loss>,
        ends: BTreeMap<SequenceId, u64>,
        parts: &Parts,
        disk: &dyn Disk,
        visit: &mut dyn FnMut(LostOutcome),
    ) -> Result<Plan, Error> {
        let directory = self.identity().id.0;
        let cut =
            ledger::assess_cut(disk, directory, &|id| of(&ends, id), &mut |position, bytes| {
                visit(LostOutcome { position, what: decode(position, bytes) });
            })?;
        let covered: BTreeMap<SequenceId, u64> = match &cut {
            Some(cut) => cut.covered.iter().copied().collect(),
            None => parts.ledger.clone(),
        };
        let mut lost = Vec::new();
        let mut aside = Vec::new();
        for sequence in self.sequences() {
            let end = of(&ends, sequence);
            let reach = end.min(of(&covered, sequence));
            let begins = of(&parts.begins, sequence);
            let numbers = parts.snapshots.get(&sequence).map(Vec::as_slice).unwrap_or_default();
            aside.extend(numbers.iter().filter(|&&number| number > end).map(|&it| (sequence, it)));
            let fits = |number: &&u64| (begins..=reach).contains(*number);
            if begins > 0 && numbers.iter().find(fits).is_none() {
                return Err(Error::Refused(format!(
                    "{reason}; nothing is left that brings {sequence} back: its journal begins at \
                     entry {} and ends at {end}, and no snapshot lies between; restore a backup",
                    begins + 1
                )));
            }
            let found = loss.iter().flat_map(|loss| &loss.lost);
            let found = found.filter(|(known, ..)| *known == sequence).map(|&(_, _, last)| last);
            let last = found.max().unwrap_or(0).max(parts.seen(sequence));
            if last > end {
                lost.push(LostEntries { sequence, first: end + 1, last });
            }
        }
        let lost_outcomes = cut.as_ref().map_or(0, |cut| cut.lost_records);
        let way = Way::CutOff;
        Ok(Plan { reason, way, lost, lost_outcomes, loss, snapshots: aside, cut, ends })
    }

    /// Makes a journal of what is kept, and puts it in the place of the damaged one.
    fn exchange(
        &self,
        loss: &Loss,
        way: Way,
        identity: &Identity,
    ) -> Result<Option<String>, Error> {
        let path = self.directory.path();
        let place = exchange::begin(path)?;
        let made = self.rebuild(loss, way, &place);
        if let Err(error) = made.and_then(|()| Ok(journal::wait_until_closed(&place)?)) {
            exchange::abandon(path)?;
            return Err(error);
        }
        let aside = exchange::exchange(path, identity, OldJournal::KeptAside)?;
        let name = aside.and_then(|aside| Some(aside.file_name()?.to_string_lossy().into_owned()));
        Ok(name)
    }

    fn rebuild(&self, loss: &Loss, way: Way, place: &std::path::Path) -> Result<(), Error> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(place));
        let options = Options {
            directory: self.identity().id,
            engine: storage::engine(&self.settings, &self.identity().engine, place)?,
            minimum_free_bytes: 0,
            reserve_bytes: 0,
        };
        let import = Import::begin(Arc::clone(&disk), options.clone())?;
        let keep = match way {
            Way::LeaveOut => Keep::After,
            Way::CutOff | Way::RebuildLedger => Keep::Before,
        };
        let damaged = self.inspected()?;
        let imported = rebuild(damaged.disk.clone(), &damaged.options, loss, keep, import)?;
        Ok(read_back(&disk, &options, &imported)?)
    }
}

impl Plan {
    /// Where a sequence would end, or ends.
    pub fn end(&self, sequence: SequenceId) -> u64 {
        of(&self.ends, sequence)
    }
}

fn decode(position: Position, bytes: &[u8]) -> Lost {
    let decoded = match position.sequence.as_shard() {
        Some(_) => ledger_record::decode_shard(bytes).map(|record| Lost::Shard(Box::new(record))),
        None => ledger_record::decode_control(bytes).map(|record| Lost::Control(Box::new(record))),
    };
    decoded.unwrap_or(Lost::Unreadable)
}
