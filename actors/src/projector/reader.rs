//! Reading batches on threads of their own, and one ahead: while a batch is written the next one of
//! its sequence is read, so that the database does not wait for it.

use redeemd_persistence::ledger::LedgerReader;
use redeemd_persistence::postgres::{Checkpoint, Renderer};
use tokio::task::{JoinError, JoinHandle};

use super::reading::{self, Error, Read};
use super::step::Order;
use crate::control_view::ControlView;

/// What reads batches.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    ledger: LedgerReader,
    renderer: Renderer,
    view: ControlView,
}

/// A batch that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    from: Checkpoint,
    limit: usize,
    work: JoinHandle<Result<Read, Error>>,
}

impl Reader {
    /// One of a ledger.
    pub(super) fn new(ledger: LedgerReader, renderer: Renderer, view: ControlView) -> Self {
        Self { ledger, renderer, view }
    }

    /// Begins to read what an order asks for. Must be called within a tokio runtime.
    pub(super) fn begin(&self, order: &Order) -> Reading {
        let (reader, order) = (self.clone(), order.clone());
        let (from, limit) = (order.from, order.limit);
        let work = tokio::task::spawn_blocking(move || {
            let control = reader.view.current();
            reading::read(&reader.ledger, (&reader.renderer, &control), &order)
        });
        Reading { from, limit, work }
    }

    /// Begins to read what will be asked for after a batch of this order, if that will be a full
    /// batch again. What is less may become more until then.
    pub(super) fn begin_next(&self, order: &Order, read: &Read) -> Option<Reading> {
        let from = read.batch.to;
        let is_full = usize::try_from(order.through.saturating_sub(from.through))
            .is_ok_and(|left| left >= order.limit);
        (is_full && order.set_aside.is_none()).then(|| self.begin(&Order { from, ..order.clone() }))
    }
}

impl Reading {
    /// Whether what is read is what an order asks for.
    pub(super) fn is_for(&self, order: &Order) -> bool {
        self.from == order.from && self.limit <= order.limit && order.set_aside.is_none()
    }

    /// What was read.
    ///
    /// # Errors
    /// When the ledger does not read; the outer one when reading panicked.
    pub(super) async fn end(self) -> Result<Result<Read, Error>, JoinError> {
        self.work.await
    }
}
