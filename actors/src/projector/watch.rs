//! What the projector says of itself, and notes, now and then.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::postgres::Checkpoint;

use super::Surroundings;
use super::bound::Bound;
use super::core::Core;
use super::drain::{Drain, Estimate};
use super::reading;
use super::status::ProjectorStatus;

/// How often rates and sizes are measured, and the note is written.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks at the ledger and at what the projector decided.
#[derive(Debug)]
pub(super) struct Watch {
    drain: Drain,
    bound: Bound,
    last: Option<Duration>,
    /// What the note says.
    noted: BTreeMap<SequenceId, Checkpoint>,
}

impl Watch {
    /// One that begins. `noted` is what the note says.
    pub(super) fn new(
        max_backlog_bytes: Option<u64>,
        noted: BTreeMap<SequenceId, Checkpoint>,
    ) -> Self {
        // There is no note before the bound has begun to count.
        let bound = Bound::new(max_backlog_bytes, !noted.is_empty());
        Self { drain: Drain::default(), bound, last: None, noted }
    }

    /// Looks how far the ledger is, and says how things are.
    pub(super) fn look(&mut self, surroundings: &Surroundings, core: &mut Core, now: Duration) {
        let Surroundings { ledger, status, owner, .. } = surroundings;
        for sequence in owner.sequences() {
            core.available(sequence, ledger.durable(sequence));
        }
        let backlog = core.backlog();
        status.backlog.set(backlog);
        status.set_breaker(core.breaker(now));
        status.batch_limit.set(core.pace().limit() as u64);
        status.set_aside.set(core.aside().count());
        show_refusal(status, core.refuses_all());
        if self.last.is_none_or(|last| now.saturating_sub(last) >= INTERVAL) {
            self.last = Some(now);
            self.measure(surroundings, core, now);
            self.note(surroundings, core);
        } else if backlog == 0 {
            status.oldest_waiting_ms.set(0);
            status.set_drain(Estimate::None);
        }
    }

    /// Notes how far the database is, where that is not noted yet. While it is being filled for the
    /// first time nothing is noted, so that this is known at the next start.
    pub(super) fn note(&mut self, surroundings: &Surroundings, core: &Core) {
        let checkpoints = core.checkpoints();
        if checkpoints == self.noted || !self.bound.has_begun() {
            return;
        }
        match surroundings.note.write(&checkpoints) {
            Ok(()) => self.noted = checkpoints,
            Err(error) => tracing::debug!(%error, "how far the database is could not be noted"),
        }
    }

    fn measure(&mut self, surroundings: &Surroundings, core: &Core, now: Duration) {
        let status = &surroundings.status;
        self.drain.observe(now, core.totals(), core.pace().limit() as u64, core.is_well());
        status.set_drain(self.drain.estimate());
        status.writing_rate.set(self.drain.writing() as u64);
        status.arriving_rate.set(self.drain.arriving() as u64);
        let waiting = waiting(surroundings, core);
        show_oldest(surroundings, &waiting);
        let bytes = surroundings.ledger.bytes_from(&waiting).unwrap_or_else(|error| {
            // What does not read is said when it is to be written.
            tracing::debug!(%error, "how much waits for the database is not known");
            status.backlog_bytes.get()
        });
        status.backlog_bytes.set(bytes);
        self.apply_bound(surroundings, bytes);
    }

    fn apply_bound(&mut self, surroundings: &Surroundings, bytes: u64) {
        let is_full = self.bound.observe(bytes);
        let was_full = surroundings.node.backlog_is_full.swap(is_full, Ordering::Relaxed);
        surroundings.status.is_full.store(is_full, Ordering::Relaxed);
        match (was_full, is_full) {
            (false, true) => tracing::error!(
                bytes,
                "as much waits for the database as may wait; nothing can be changed any more"
            ),
            (true, false) => tracing::info!(bytes, "less waits for the database again"),
            _ => {}
        }
    }
}

fn show_refusal(status: &ProjectorStatus, reason: Option<&str>) {
    match (status.set_refuses_all(reason), reason) {
        (true, Some(reason)) => tracing::error!(
            reason,
            "the database refuses nearly every outcome; only one now and then is tried"
        ),
        (true, None) => tracing::info!("the database takes outcomes again"),
        (false, _) => {}
    }
}

/// The first entry of each sequence that the database does not have.
fn waiting(surroundings: &Surroundings, core: &Core) -> Vec<Position> {
    let first = |(sequence, at): (SequenceId, Checkpoint)| {
        let is_behind = surroundings.ledger.durable(sequence) > at.through;
        is_behind.then_some(Position { sequence, number: at.through + 1 })
    };
    core.checkpoints().into_iter().filter_map(first).collect()
}

fn show_oldest(surroundings: &Surroundings, waiting: &[Position]) {
    let first = |position: &Position| {
        let after = position.number - 1;
        reading::first_after(&surroundings.ledger, position.sequence, after).ok().flatten()
    };
    let oldest = waiting.iter().filter_map(first).min();
    surroundings.status.oldest_waiting_ms.set(oldest.map_or(0, |at| at.0));
}
