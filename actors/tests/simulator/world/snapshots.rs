//! What the snapshot keeper does: writes states, publishes them when the ledger covers them, and
//! then lets the journal go.

use redeemd_domain::machine::Machine as _;
use redeemd_domain::sequence::SequenceId;

use super::{World, at_station};

impl World {
    /// The next state of a sequence is written.
    pub(crate) fn write_snapshot(&mut self, sequence: SequenceId) -> bool {
        let incarnation = at_station!(self, sequence, station => station.incarnation);
        let Some(process) = &self.process else { return false };
        let snapshots = process.snapshots.clone();
        let written = at_station!(self, sequence, station => {
            let Some(state) = station.states.pop_front() else { return false };
            snapshots.write(sequence, state.last(), |write| state.encode(write))
        });
        match written {
            Ok(draft) => {
                self.process().drafts.insert(sequence, (draft, incarnation));
                self.publish_if_covered(sequence);
            }
            Err(_) => self.snapshot_done(sequence, incarnation, None),
        }
        true
    }

    /// The keeper is told how far the ledger is.
    pub(crate) fn tell_keeper(&mut self, sequence: SequenceId) -> bool {
        let through = at_station!(self, sequence, station => station.keeper_covers.pop_front());
        let Some(through) = through else { return false };
        let covered = self.process().keeper_covers.entry(sequence).or_default();
        *covered = through.max(*covered);
        self.publish_if_covered(sequence);
        true
    }

    /// A sequence is told that its snapshot is done.
    pub(crate) fn hear_snapshot(&mut self, sequence: SequenceId) -> bool {
        at_station!(self, sequence, station => {
            let done = station.snapshot_done.pop_front();
            if let Some(published) = done {
                station.snapshot_is_under_way = false;
                station.published = published.unwrap_or(station.published);
            }
            done.is_some()
        })
    }

    fn publish_if_covered(&mut self, sequence: SequenceId) {
        let process = self.process();
        let covered = process.keeper_covers.get(&sequence).copied().unwrap_or(0);
        let waiting = process.drafts.remove(&sequence);
        let Some((draft, incarnation)) = waiting else { return };
        if draft.number() > covered {
            process.drafts.insert(sequence, (draft, incarnation));
            return;
        }
        let number = draft.number();
        let published = draft.publish().and_then(|()| process.snapshots.prune(sequence));
        match published {
            Ok(release) => {
                self.trace.note("publish snapshot", sequence.0.into(), number);
                self.snapshot_done(sequence, incarnation, Some(number));
                if let Some(through) = release {
                    self.release(sequence, through);
                }
            }
            Err(_) => self.snapshot_done(sequence, incarnation, None),
        }
    }

    fn snapshot_done(&mut self, sequence: SequenceId, incarnation: u64, published: Option<u64>) {
        if published.is_none() {
            self.trace.note("snapshot failed", sequence.0.into(), 0);
        }
        at_station!(self, sequence, station => {
            if station.incarnation == incarnation {
                station.snapshot_done.push_back(published);
            }
        });
    }
}
