//! The journal writer: takes what has gathered, makes it durable with one sync, says so.
//!
//! There is no timer. While a flush is under way, frames gather in the mailbox; the next flush
//! takes all of them. So the slower the disk, the larger the batches.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, Message, Recipient, ResponseActFuture};
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::journal::{AppendError, Frame, Journal, Reader, Refusal};

use crate::fatal::Fatal;
use crate::lease::Leases;
use crate::messages::{Append, JournalAnswer, Release};
use crate::status::Status;

/// How often a full disk is looked at again.
const DISK_INTERVAL: Duration = Duration::from_secs(1);

/// Owns the journal, on a thread of its own: every flush blocks it.
pub struct JournalWriter {
    pub(crate) journal: Box<dyn Journal>,
    waiting: Vec<Append>,
    flush_is_due: bool,
    /// Whom to tell when there is space again.
    known: HashMap<SequenceId, Recipient<JournalAnswer>>,
    released: HashMap<SequenceId, u64>,
    pub(crate) leases: Leases,
    is_poisoned: bool,
    pub(crate) status: Arc<Status>,
    fatal: Fatal,
}

impl JournalWriter {
    /// The writer of a journal. `fatal` hears of what the process cannot go on after.
    pub fn new(journal: Box<dyn Journal>, status: Arc<Status>, fatal: Fatal) -> Self {
        status.journal_bytes.set(journal.stored_bytes());
        Self {
            journal,
            waiting: Vec::new(),
            flush_is_due: false,
            known: HashMap::new(),
            released: HashMap::new(),
            leases: Leases::default(),
            is_poisoned: false,
            status,
            fatal,
        }
    }

    /// Flushes all that waits: at once, or in as many appends as the journal's limit asks for.
    fn flush(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.status.journal_waiting.set(0);
        while !waiting.is_empty() {
            let taken = self.fitting(&waiting);
            let rest = waiting.split_off(taken);
            self.append(&waiting);
            waiting = rest;
        }
    }

    /// How many of the frames fit into one append; at least one.
    fn fitting(&self, waiting: &[Append]) -> usize {
        let limit = self.journal.largest_append();
        let mut bytes = 0;
        let fits = |append: &&Append| {
            bytes += (append.frame.payload.len() + Frame::OVERHEAD_BYTES) as u64;
            bytes <= limit
        };
        waiting.iter().take_while(fits).count().max(1)
    }

    fn append(&mut self, appends: &[Append]) {
        if self.is_poisoned {
            return answer(appends, |_| JournalAnswer::Unknown);
        }
        if self.ledger_waits() {
            return self.take_nothing(appends, &"the ledger waits for room on its disk");
        }
        let frames: Vec<Frame<'_>> = appends
            .iter()
            .map(|Append { sequence, frame, .. }| Frame {
                sequence: *sequence,
                first: frame.first,
                count: frame.count,
                payload: &frame.payload,
            })
            .collect();
        let begun = Instant::now();
        match self.journal.append(&frames) {
            Ok(appended) => {
                self.status.flushes.observe(begun.elapsed());
                self.status.flushed_bytes.add(appended.bytes);
                self.status
                    .flushed_entries
                    .add(frames.iter().map(|frame| u64::from(frame.count)).sum());
                answer(appends, |append| JournalAnswer::Committed(append.frame.ticket));
            }
            Err(AppendError::NotAppended(refusal)) => self.refused(appends, &refusal),
            Err(AppendError::Unknown(error)) => self.poison(appends, &error),
        }
    }

    /// None of the frames is in the journal.
    fn refused(&mut self, appends: &[Append], refusal: &Refusal) {
        match refusal {
            // One frame out of order (it followed one that found no space) must not keep back the
            // others: each gets an append of its own.
            Refusal::OutOfOrder { .. } if appends.len() > 1 => {
                appends.chunks(1).for_each(|append| self.append(append));
            }
            Refusal::OutOfOrder { .. } => {
                answer(appends, |append| JournalAnswer::NotAppended(append.frame.ticket));
            }
            Refusal::NoSpace { .. }
            | Refusal::TooLarge { .. }
            | Refusal::Empty
            | Refusal::Disk(_)
            | Refusal::Poisoned => {
                let failure = matches!(refusal, Refusal::Disk(_)).then(|| refusal.to_string());
                self.status.set_disk_failure(failure);
                self.take_nothing(appends, refusal);
            }
        }
    }

    /// Turns the node read-only until there is room again.
    fn take_nothing(&mut self, appends: &[Append], reason: &dyn Display) {
        if !self.status.disk_is_full.swap(true, Ordering::Relaxed) {
            tracing::error!(%reason, "the journal takes nothing more: read-only");
            if let Err(error) = self.journal.give_up_reserve() {
                tracing::error!(%error, "the reserve file stays");
            }
        }
        if self.leases.is_held() {
            tracing::warn!("a backup is given up, so that the journal can free its space");
            self.end_lease();
        }
        answer(appends, |append| JournalAnswer::NotAppended(append.frame.ticket));
    }

    /// Whether the ledger has no room for what the journal holds already.
    fn ledger_waits(&self) -> bool {
        self.status.ledger_waits_for_room.load(Ordering::Relaxed)
    }

    fn poison(&mut self, appends: &[Append], error: &redeemd_persistence::journal::Error) {
        self.is_poisoned = true;
        answer(appends, |_| JournalAnswer::Unknown);
        self.fatal.raise(format!("the journal failed, and the server must recover: {error}"));
    }

    /// Deletes what no snapshot needs any more, unless somebody reads it.
    fn delete_released(&mut self) {
        if self.is_poisoned || self.leases.is_held() {
            return;
        }
        let released: Vec<_> = self.released.iter().map(|(id, through)| (*id, *through)).collect();
        match self.journal.release(&released) {
            Ok(()) => self.status.journal_bytes.set(self.journal.stored_bytes()),
            Err(error) => self.poison(&[], &error),
        }
    }

    /// Ends the lease, and makes up for what was not deleted meanwhile.
    pub(crate) fn end_lease(&mut self) {
        if self.leases.end() {
            self.status.journal_is_leased.store(false, Ordering::Relaxed);
            self.delete_released();
        }
    }

    fn look_at_disk(&mut self) {
        self.status.journal_bytes.set(self.journal.stored_bytes());
        if self.is_poisoned {
            return;
        }
        if let Err(error) = self.journal.prepare() {
            return self.poison(&[], &error);
        }
        if self.ledger_waits() {
            return self.take_nothing(&[], &"the ledger waits for room on its disk");
        }
        if !self.status.disk_is_full.load(Ordering::Relaxed) {
            return;
        }
        match self.journal.restore_reserve() {
            Ok(true) => {
                tracing::info!("there is space on the disk again");
                self.status.set_disk_failure(None);
                self.status.disk_is_full.store(false, Ordering::Relaxed);
                for recipient in self.known.values() {
                    recipient.do_send(JournalAnswer::DiskHasSpace);
                }
            }
            Ok(false) => self.status.set_disk_failure(None),
            Err(error) => {
                // Told once: this comes again every second.
                if self.status.disk_failure().is_none() {
                    tracing::warn!(%error, "the disk cannot be used");
                }
                self.status.set_disk_failure(Some(error.to_string()));
            }
        }
    }
}

/// Answers past the bound of the asker's mailbox: there are never more of these than frames that
/// it is allowed to have outstanding, and none may be lost.
fn answer(appends: &[Append], answer: impl Fn(&Append) -> JournalAnswer) {
    for append in appends {
        append.reply_to.do_send(answer(append));
    }
}

impl Actor for JournalWriter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(DISK_INTERVAL, |writer, _| writer.look_at_disk());
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

impl Handler<Append> for JournalWriter {
    type Result = ();

    fn handle(&mut self, append: Append, context: &mut Self::Context) {
        self.known.entry(append.sequence).or_insert_with(|| append.reply_to.clone());
        self.waiting.push(append);
        self.status.journal_waiting.set(self.waiting.len() as u64);
        // A notification comes after everything that is in the mailbox by now.
        if !std::mem::replace(&mut self.flush_is_due, true) {
            context.notify(Flush);
        }
    }
}

impl Handler<Flush> for JournalWriter {
    type Result = ();

    fn handle(&mut self, _: Flush, _: &mut Self::Context) {
        self.flush_is_due = false;
        self.flush();
    }
}

impl Handler<Release> for JournalWriter {
    type Result = ();

    fn handle(&mut self, release: Release, _: &mut Self::Context) {
        let released = self.released.entry(release.sequence).or_default();
        *released = release.through.max(*released);
        self.delete_released();
    }
}

/// Asks for a reader, after everything that a dead actor sent has been dealt with, and says to
/// whom answers about its sequence go from now on.
#[derive(Message)]
#[rtype(result = "Result<Box<dyn Reader>, String>")]
pub struct Fence {
    /// The sequence whose actor died.
    pub sequence: SequenceId,
}

impl Handler<Fence> for JournalWriter {
    type Result = ResponseActFuture<Self, Result<Box<dyn Reader>, String>>;

    fn handle(&mut self, fence: Fence, _: &mut Self::Context) -> Self::Result {
        self.flush();
        self.known.remove(&fence.sequence);
        let reader = self.journal.reader().map_err(|error| error.to_string());
        Box::pin(actix::fut::ready(reader))
    }
}
