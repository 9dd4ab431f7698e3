//! What a sequence's actor does with each message.

use std::sync::atomic::Ordering;

use actix::{ActorContext, AsyncContext, Handler, Message};

use super::SequenceActor;
use crate::core::AT_HAND;
use crate::messages::{BelieveClock, Finish, JournalAnswer, LedgerCovers, SnapshotDone, Submit};
use crate::sequenced::Sequenced;

#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

impl<M: Sequenced> Handler<Submit<M>> for SequenceActor<M> {
    type Result = ();

    fn handle(&mut self, mut submit: Submit<M>, context: &mut Self::Context) {
        let now = self.surroundings.clock.now();
        let is_full = self.surroundings.status.backlog_is_full.load(Ordering::Relaxed);
        self.core.set_backlog_full(is_full);
        while !submit.left().is_empty() {
            let together = submit.left().len().min(AT_HAND);
            self.core.bring_up(submit.left().get(..together).unwrap_or_default());
            for _ in 0..together {
                let Some(submission) = submit.next_submission() else { break };
                self.core.submit(submission, now, &mut self.outputs);
            }
        }
        self.carry_out(context);
        // A notification comes after everything that is in the mailbox by now, so that all of it
        // goes into one frame.
        if !std::mem::replace(&mut self.flush_is_due, true) {
            context.notify(Flush);
        }
    }
}

impl<M: Sequenced> Handler<Flush> for SequenceActor<M> {
    type Result = ();

    fn handle(&mut self, _: Flush, context: &mut Self::Context) {
        self.flush_is_due = false;
        self.core.flush(&mut self.outputs);
        self.carry_out(context);
    }
}

impl<M: Sequenced> Handler<JournalAnswer> for SequenceActor<M> {
    type Result = ();

    fn handle(&mut self, answer: JournalAnswer, context: &mut Self::Context) {
        match answer {
            JournalAnswer::Committed(ticket) => self.core.committed(ticket, &mut self.outputs),
            JournalAnswer::NotAppended(ticket) => {
                self.core.not_appended(ticket, &mut self.outputs);
            }
            JournalAnswer::Unknown => self.core.unknown(&mut self.outputs),
            JournalAnswer::DiskHasSpace => self.core.disk_has_space(),
        }
        self.carry_out(context);
    }
}

impl<M: Sequenced> Handler<LedgerCovers> for SequenceActor<M> {
    type Result = ();

    fn handle(&mut self, covers: LedgerCovers, _: &mut Self::Context) {
        self.core.ledger_covers(covers.through);
    }
}

impl<M: Sequenced> Handler<SnapshotDone> for SequenceActor<M> {
    type Result = ();

    fn handle(&mut self, done: SnapshotDone, _: &mut Self::Context) {
        self.snapshots.under_way = None;
        if let Some(published) = done.published {
            self.snapshots.published = published;
        }
    }
}

impl<M: Sequenced> Handler<BelieveClock> for SequenceActor<M> {
    type Result = usize;

    fn handle(&mut self, _: BelieveClock, _: &mut Self::Context) -> usize {
        let leap = self.core.believe_clock(self.surroundings.clock.now());
        self.show();
        leap.into_iter().count()
    }
}

impl<M: Sequenced> Handler<Finish> for SequenceActor<M> {
    type Result = ();

    fn handle(&mut self, _: Finish, context: &mut Self::Context) {
        self.is_ending = true;
        // The next start has nothing to replay then.
        if self.core.machine().last() > self.snapshots.published
            && self.snapshots.under_way.is_none()
        {
            self.take_snapshot(context);
        }
        context.stop();
    }
}
