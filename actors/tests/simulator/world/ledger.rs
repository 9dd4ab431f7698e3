//! What the ledger keeper does: appends outcomes, commits them now and then, says how far it is.

use redeemd_domain::sequence::SequenceId;

use super::{World, at_station};

impl World {
    /// The next batch of a sequence's outcomes reaches the ledger.
    pub(crate) fn keep(&mut self, sequence: SequenceId) -> bool {
        let batch = at_station!(self, sequence, station => station.keeps.pop_front());
        let Some(batch) = batch else { return false };
        self.trace.note("keep", sequence.0.into(), batch.last());
        let process = self.process();
        if process.fatal.is_none()
            && let Err(error) = process.ledger.append(&batch)
        {
            process.fatal = Some(format!("ledger: {error}"));
        }
        true
    }

    /// Everything that the ledger has becomes durable, and whoever listens is told.
    pub(crate) fn commit_ledger(&mut self) -> bool {
        let budget = self.random.below(8_192);
        let process = self.process();
        if process.ledger.uncommitted_bytes() == 0 || process.fatal.is_some() {
            return false;
        }
        if let Err(error) = process.ledger.commit() {
            if error.is_for_want_of_space() {
                self.trace.note("the ledger waits for room", 0, 0);
                return false;
            }
            process.fatal = Some(format!("ledger: {error}"));
            return true;
        }
        for sequence in self.sequences() {
            let through = self.process().reader.durable(sequence);
            at_station!(self, sequence, station => {
                if station.announced != through {
                    station.announced = through;
                    station.keeper_covers.push_back(through);
                    if station.core.is_some() {
                        station.covers.push_back(through);
                    }
                }
            });
        }
        let process = self.process();
        if let Err(error) = process.ledger.maintain(budget)
            && !error.is_for_want_of_space()
        {
            process.fatal = Some(format!("the ledger's index: {error}"));
        }
        self.trace.note("commit", budget, 0);
        true
    }

    /// A sequence is told how far the ledger is.
    pub(crate) fn hear_cover(&mut self, sequence: SequenceId) -> bool {
        at_station!(self, sequence, station => {
            let through = station.covers.pop_front();
            if let (Some(core), Some(through)) = (&mut station.core, through) {
                core.ledger_covers(through);
            }
            through.is_some()
        })
    }
}
