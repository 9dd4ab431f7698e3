//! The end of a process and the start of the next one, with everything that the oracle checks then.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_actors::recovery::{Recovered, RecoveredMachine, Sources, recover};
use redeemd_domain::control::Control;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::Shard;
use redeemd_persistence::disk::Disk as _;
use redeemd_persistence::journal::{DirectoryId, Engine, Options, Preparation};
use redeemd_persistence::ledger::{self, Ledger};

use super::rebuild::StationOf;
use super::{Process, Spread, World, at_station};
use crate::dice::Dice as _;
use crate::oracle::Modelled;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is killed, and the machine goes on.
    Kill,
    /// The machine loses its power.
    PowerCut,
}

impl World {
    /// Ends the process and starts it again.
    pub(crate) fn crash(&mut self, end: End) {
        self.end_process(end);
        self.check_ledger_alone();
        if self.random.percent(35) {
            self.damage_snapshot();
        }
        self.restart();
    }

    /// As [`World::crash`], and nothing goes wrong meanwhile.
    pub(crate) fn crash_calmly(&mut self, end: End) {
        self.end_process(end);
        let recovered = recover(self.sources());
        self.adopt(
            recovered.unwrap_or_else(|error| panic!("the node does not come back: {error}")),
        );
    }

    fn end_process(&mut self, end: End) {
        self.trace.note(if end == End::Kill { "kill" } else { "power cut" }, 0, 0);
        self.process = None;
        self.answers.clear();
        self.spreads.clear();
        self.clerk = None;
        self.lent.clear();
        self.waiters = super::waiters::Waiters::default();
        self.messages.clear();
        self.is_ready = false;
        for sequence in self.sequences() {
            at_station!(self, sequence, station => station.stop());
        }
        self.lives += 1;
        self.end_life(end);
    }

    /// Starts the process, however often it takes.
    pub(crate) fn restart(&mut self) {
        loop {
            let failure = self.random.below(12);
            let soon = self.disk.operations() + 1 + self.random.below(60);
            match failure {
                0 => self.disk.stop_at(soon),
                1 => self.disk.fail_syncs_from(soon),
                2 => self.disk.fail_writes_from(soon),
                _ => {}
            }
            let is_armed = failure < 3;
            let recovered = recover(self.sources());
            let is_stopped = self.is_stopped();
            match recovered {
                Ok(recovered) if !is_stopped => {
                    self.disk.stop_at(u64::MAX);
                    self.disk.fail_syncs_from(u64::MAX);
                    self.disk.fail_writes_from(u64::MAX);
                    return self.adopt(recovered);
                }
                recovered => {
                    let error = recovered.err().map(|error| error.to_string()).unwrap_or_default();
                    self.trace.note("recovery interrupted", failure, 0);
                    let is_told = is_armed && error.contains("told to fail");
                    let is_full = self.capacity.is_some();
                    assert!(
                        is_stopped || is_told || is_full,
                        "the node does not come back: {error}"
                    );
                    if !is_stopped && !is_told {
                        self.make_space();
                    }
                    let is_cut = is_stopped || self.random.percent(40);
                    self.end_life(if is_cut { End::PowerCut } else { End::Kill });
                }
            }
        }
    }

    /// Whether the disk has lost its power.
    pub(crate) fn is_stopped(&self) -> bool {
        self.disk.is_stopped()
    }

    fn end_life(&mut self, end: End) {
        self.power_off = None;
        match end {
            End::PowerCut => self.disk.power_cut(),
            End::Kill if self.is_stopped() => self.disk.power_cut(),
            End::Kill => self.disk.process_restart(),
        }
    }

    fn directory() -> DirectoryId {
        DirectoryId([7; 16])
    }

    fn ledger_settings(&self) -> ledger::Settings {
        ledger::Settings {
            file_bytes: self.plan.ledger_file_bytes,
            portion_bytes: self.plan.ledger_portion_bytes,
            index_batch_entries: self.plan.index_batch_entries,
            cache_bytes: 1 << 12,
            ..ledger::Settings::new(Self::directory().0, [9; 16])
        }
    }

    fn sources(&self) -> Sources {
        let engine = Engine::Segment {
            segment_bytes: self.plan.segment_bytes,
            preparation: Preparation::Inline,
        };
        Sources {
            disk: Arc::new(self.disk.clone()),
            directory: Self::directory(),
            layout: self.plan.layout,
            journal: Options {
                minimum_free_bytes: self.plan.minimum_free_bytes,
                reserve_bytes: self.plan.reserve_bytes,
                ..Options::new(Self::directory(), engine)
            },
            ledger: self.ledger_settings(),
        }
    }

    /// What the ledger said to be durable must be there by itself, without the journal's help.
    fn check_ledger_alone(&mut self) {
        let is_chosen = self.random.one_in(2);
        if !is_chosen || self.capacity.is_some() {
            return;
        }
        let disk = Arc::new(self.disk.fork());
        let (ledger, _) = Ledger::open(disk, self.ledger_settings())
            .unwrap_or_else(|error| panic!("the ledger alone does not open: {error}"));
        for sequence in self.sequences() {
            let durable = ledger.durable(sequence);
            at_station!(self, sequence, station => {
                let announced = station.announced;
                assert!(
                    durable >= announced,
                    "the ledger said that it has {sequence} up to {announced}, and has {durable}"
                );
                station.history.compare_ledger(&ledger.reader(), announced, false);
            });
        }
    }

    /// Turns a bit around in one of the snapshots of a sequence. The other, or the journal, must do;
    /// so where one was damaged before, another is damaged only when there are two again.
    fn damage_snapshot(&mut self) {
        let sequence = self.any_sequence();
        let Ok(names) = self.disk.list("snapshots") else { return };
        let damaged = self.damaged.get(&sequence);
        if damaged.is_some_and(|path| names.iter().any(|name| path.ends_with(name.as_str()))) {
            return;
        }
        let prefix = format!("{sequence}-");
        let of_sequence = |name: &&String| name.starts_with(&prefix) && name.ends_with("snapshot");
        let names: Vec<_> = names.iter().filter(of_sequence).collect();
        if names.len() < if damaged.is_some() { 2 } else { 1 } {
            return;
        }
        let path = format!("snapshots/{}", self.random.pick(&names));
        let length = self.disk.open(&path).and_then(|file| file.length());
        let bit = self.random.below(length.expect("the snapshot is there") * 8);
        self.disk.flip_bit(&path, bit).expect("the snapshot is there");
        self.trace.note("damage snapshot", sequence.0.into(), bit);
        self.damaged.insert(sequence, path);
    }

    /// Goes on with a node that was brought back, once it is known to be the one that was lost.
    fn adopt(&mut self, recovered: Recovered) {
        let Recovered { control, shards, journal, ledger, snapshots, report, .. } = recovered;
        let reader = ledger.reader();
        let hasher = ledger.key_hasher();
        self.trace.note("recovered", report.journal.replayed_entries, report.outcomes_added);
        if report.journal.torn_tail.is_some() {
            self.trace.note("journal was torn", 0, 0);
        }
        if report.ledger.torn_bytes > 0 {
            self.trace.note("ledger was torn", report.ledger.torn_bytes, 0);
        }
        self.process = Some(Process {
            journal,
            ledger,
            reader,
            hasher,
            snapshots,
            drafts: BTreeMap::new(),
            keeper_covers: BTreeMap::new(),
            released: BTreeMap::new(),
            journal_is_poisoned: false,
            disk_is_full: false,
            fatal: None,
        });
        for shard in &shards {
            let missing = control.machine.missing_in(&shard.machine);
            let shard = shard.machine.number();
            self.spreads.extend(missing.map(|terms| Spread { shard, terms, ticket: None }));
        }
        self.adopt_machine::<Control>(SequenceId::CONTROL, control);
        for (place, shard) in (0..).zip(shards) {
            self.adopt_machine::<Shard>(SequenceId::shard(place), shard);
        }
        self.attempts.settle(None);
        self.start_clerk();
    }

    fn adopt_machine<M: Modelled>(&mut self, sequence: SequenceId, recovered: RecoveredMachine<M>)
    where
        Self: StationOf<M>,
    {
        let limits = self.plan.limits;
        let Some(process) = self.process.take() else { return };
        let mut attempts = std::mem::take(&mut self.attempts);
        let RecoveredMachine { machine, snapshot } = recovered;
        let is_full = self.capacity.is_some();
        let station = self.station(sequence);
        let before = station.last_seen.clone();
        let resolved = station.history.resume(before, &machine, &*process.journal, &mut attempts);
        let covered = process.reader.durable(sequence);
        let appended = process.reader.appended(sequence);
        assert_eq!(appended, machine.last(), "the ledger lacks outcomes of {sequence}");
        assert!(covered == appended || is_full, "{sequence} is not durable");
        station.history.compare_ledger(&process.reader, covered, false);
        station.start(machine, snapshot, covered, limits);
        self.attempts = attempts;
        self.process = Some(process);
        if resolved > 0 {
            self.trace.note("unknown was done", sequence.0.into(), resolved);
        }
    }
}
