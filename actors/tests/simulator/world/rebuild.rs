//! What the steward does when the actor of a sequence has panicked: a fence behind everything that
//! it had sent, then its snapshot and the journal.

use redeemd_actors::replay::Replay;
use redeemd_domain::control::Control;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::Shard;
use redeemd_persistence::ledger::Batch;

use super::{World, at_station};
use crate::oracle::Modelled;
use crate::station::{Fenced, Station};

impl World {
    pub(crate) fn panic(&mut self, sequence: SequenceId) {
        self.trace.note("panic", sequence.0.into(), 0);
        let (attempts, answers) = (&mut self.attempts, &mut self.answers);
        at_station!(self, sequence, station => station.panic(attempts, answers));
    }

    /// Goes on with whatever has to be rebuilt.
    pub(crate) fn go_on_rebuilding(&mut self) -> bool {
        let is_dead = |sequence: &SequenceId| match sequence.as_shard() {
            None => self.control.core.is_none(),
            Some(shard) => self.shards[usize::from(shard)].core.is_none(),
        };
        let Some(sequence) = self.sequences().into_iter().find(is_dead) else { return false };
        let is_fenced = at_station!(self, sequence, station => station.rebuilding.is_some());
        if is_fenced {
            match sequence.as_shard() {
                None => self.rebuild::<Control>(sequence),
                Some(_) => self.rebuild::<Shard>(sequence),
            }
        } else {
            self.fence(sequence);
        }
        true
    }

    fn fence(&mut self, sequence: SequenceId) {
        self.trace.note("fence", sequence.0.into(), 0);
        self.write_all_of(sequence);
        while self.keep(sequence) {}
        let Ok(reader) = self.process().journal.reader() else { return };
        at_station!(self, sequence, station => {
            station.is_known_to_journal = false;
            station.rebuilding = Some(Fenced(reader));
        });
    }

    fn rebuild<M: Modelled>(&mut self, sequence: SequenceId)
    where
        Self: StationOf<M>,
    {
        let (layout, limits) = (self.plan.layout, self.plan.limits);
        let Some(process) = &self.process else { return };
        if process.fatal.is_some() {
            return;
        }
        let (durable, appended) =
            (process.reader.durable(sequence), process.reader.appended(sequence));
        let (snapshots, hasher) = (process.snapshots.clone(), process.hasher);
        let Some(Fenced(mut reader)) = self.station(sequence).rebuilding.take() else { return };
        let replay = Replay::<M>::begin(&snapshots, layout, sequence, durable, appended, hasher);
        let mut keeps = Vec::new();
        let mut keep = |batch: &Batch| {
            keeps.push(batch.clone());
            Ok(())
        };
        let rebuilt = replay.map_err(|error| error.to_string()).and_then(|mut replay| {
            let snapshot = replay.snapshot();
            reader
                .read(sequence, snapshot, &mut |frame| replay.frame(&frame, &mut keep))
                .map_err(|error| error.to_string())?;
            Ok((replay.finish(&mut keep)?, snapshot))
        });
        let (machine, snapshot) = match rebuilt {
            Ok(rebuilt) => rebuilt,
            Err(error) => {
                assert!(self.is_stopped(), "{sequence} cannot be rebuilt: {error}");
                return;
            }
        };
        self.trace.note("rebuilt", sequence.0.into(), machine.last());
        let Some(process) = self.process.take() else { return };
        let mut attempts = std::mem::take(&mut self.attempts);
        let station = self.station(sequence);
        let before = station.last_seen.clone();
        station.history.resume(before, &machine, &*process.journal, &mut attempts);
        station.keeps.extend(keeps);
        station.start(machine, snapshot, durable, limits);
        attempts.settle(Some(sequence));
        self.attempts = attempts;
        self.process = Some(process);
        if sequence == SequenceId::CONTROL {
            self.publish_control();
        }
    }
}

/// Finds the station of a sequence whose machine is known.
pub(crate) trait StationOf<M: Modelled> {
    fn station(&mut self, sequence: SequenceId) -> &mut Station<M>;
}

impl StationOf<Control> for World {
    fn station(&mut self, _: SequenceId) -> &mut Station<Control> {
        &mut self.control
    }
}

impl StationOf<Shard> for World {
    fn station(&mut self, sequence: SequenceId) -> &mut Station<Shard> {
        &mut self.shards[sequence.index() - 1]
    }
}
