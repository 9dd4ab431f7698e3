//! Bringing the machine of a sequence back whose actor panicked: from its snapshot and the journal,
//! on another thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use actix::Addr;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::journal::Reader;
use redeemd_persistence::ledger::{Batch, LedgerReader};
use redeemd_persistence::snapshot::Snapshots;

use crate::journal_writer::{Fence, JournalWriter};
use crate::ledger_keeper::{LedgerKeeper, Settled};
use crate::messages::Keep;
use crate::recovery::RecoveredMachine;
use crate::replay::Replay;
use crate::sequenced::Sequenced;
use crate::status::Status;

/// Everything that rebuilding needs.
pub(super) struct Rebuilding {
    pub(super) sequence: SequenceId,
    pub(super) layout: ShardLayout,
    pub(super) snapshots: Snapshots,
    pub(super) ledger: LedgerReader,
    pub(super) journal_writer: Addr<JournalWriter>,
    pub(super) ledger_keeper: Addr<LedgerKeeper>,
    pub(super) status: Arc<Status>,
}

impl Rebuilding {
    /// Does it, when everybody has what the dead actor had sent them.
    ///
    /// # Errors
    /// A reason, when the sequence cannot be brought back.
    pub(super) async fn run<M: Sequenced>(self) -> Result<RecoveredMachine<M>, String> {
        // Both answer after whatever the dead actor had sent them.
        let fence = self.journal_writer.send(Fence { sequence: self.sequence });
        let reader = fence.await.map_err(|error| error.to_string())??;
        self.ledger_keeper.send(Settled).await.map_err(|error| error.to_string())?;
        let rebuild = move || {
            catch_unwind(AssertUnwindSafe(|| self.replay::<M>(reader)))
                .unwrap_or_else(|_| Err("it panics when it is replayed".to_owned()))
        };
        let handle = tokio::task::spawn_blocking(rebuild);
        handle.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    fn replay<M: Sequenced>(
        &self,
        mut reader: Box<dyn Reader>,
    ) -> Result<RecoveredMachine<M>, String> {
        let Self { sequence, layout, .. } = *self;
        let (durable, appended) = (self.ledger.durable(sequence), self.ledger.appended(sequence));
        let hasher = self.ledger.key_hasher();
        let replay =
            Replay::<M>::begin(&self.snapshots, layout, sequence, durable, appended, hasher);
        let mut replay = replay.map_err(|error| error.to_string())?;
        let snapshot = replay.snapshot();
        let mut keep = |batch: &Batch| {
            self.status.ledger_waiting.add(1);
            self.ledger_keeper.do_send(Keep(batch.clone()));
            Ok(())
        };
        reader
            .read(sequence, snapshot, &mut |frame| replay.frame(&frame, &mut keep))
            .map_err(|error| error.to_string())?;
        let machine = replay.finish(&mut keep)?;
        Ok(RecoveredMachine { machine, snapshot })
    }
}
