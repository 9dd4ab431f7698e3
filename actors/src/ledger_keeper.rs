//! The ledger keeper: appends outcomes, commits them now and then, says how far it has come.
//!
//! It is on no answer's path. It works on a thread of its own, and where it falls behind, the
//! sequences take less: each bounds how far the ledger may be behind it. Where its disk is full it
//! waits, and the journal takes nothing more meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, Recipient};
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::disk::Courtesy;
use redeemd_persistence::ledger::{self, Ledger};

use crate::fatal::Fatal;
use crate::messages::{Finish, Keep, LedgerCovers};
use crate::policies::LivePolicies;
use crate::status::{SequenceStatus, Status};

/// How often the keeper looks whether it is time to commit, at the least.
const LOOK: Duration = Duration::from_millis(500);

/// How many bytes of the index may be merged for each byte of outcomes: keys are half of those at the
/// most, and eight times their bytes keep up.
const MAINTENANCE_PER_BYTE: u64 = 4;

/// So many bytes are merged at a time, as outcomes come: all that is due after a commit in one go
/// would keep the core from answers for tens of milliseconds.
const MAINTENANCE_BYTES: u64 = 64 << 10;

/// With this part of the lag that a sequence may have at the most, the ledger is behind, and
/// leaves syncing to the end.
const BEHIND: u64 = 4;

/// How many bytes of the index may be merged after each interval in which nothing came.
const IDLE_MAINTENANCE_BYTES: u64 = 1 << 20;

/// When the keeper commits.
#[derive(Clone, Copy, Debug)]
pub struct CommitPolicy {
    /// What has gathered is committed after this long.
    pub interval: Duration,
    /// What has gathered is committed when it has this many bytes.
    pub bytes: usize,
}

/// Owns the ledger's writing side.
pub struct LedgerKeeper {
    ledger: Ledger,
    policies: LivePolicies,
    last_commit: Instant,
    courtesy: Courtesy,
    /// How many bytes of the index may be merged for what has come since the last merging.
    maintenance_due: u64,
    listeners: HashMap<SequenceId, Vec<Recipient<LedgerCovers>>>,
    status: Arc<Status>,
    fatal: Fatal,
}

impl LedgerKeeper {
    /// The keeper of a ledger.
    pub fn new(ledger: Ledger, policies: LivePolicies, status: Arc<Status>, fatal: Fatal) -> Self {
        let listeners = HashMap::new();
        Self {
            courtesy: ledger.courtesy(),
            ledger,
            policies,
            last_commit: Instant::now(),
            maintenance_due: 0,
            listeners,
            status,
            fatal,
        }
    }

    /// Commits when the interval is over, which may have changed since it began.
    fn commit_in_time(&mut self, context: &mut Context<Self>) {
        let interval = self.policies.current().commit.interval;
        if self.last_commit.elapsed() >= interval {
            self.commit();
        }
        let left = interval.saturating_sub(self.last_commit.elapsed());
        context.run_later(left.min(LOOK), Self::commit_in_time);
    }

    fn commit(&mut self) {
        self.last_commit = Instant::now();
        self.courtesy.set_behind(self.is_behind());
        if self.ledger.uncommitted_bytes() == 0 {
            return self.maintain(IDLE_MAINTENANCE_BYTES);
        }
        let begun = Instant::now();
        match self.ledger.commit() {
            Ok(_) => self.status.ledger_commits.observe(begun.elapsed()),
            Err(error) if error.is_for_want_of_space() => return self.wait(&error),
            Err(error) => return self.fatal.raise(format!("the ledger failed: {error}")),
        }
        self.go_on();
        self.announce();
        self.maintain(MAINTENANCE_BYTES);
    }

    /// Whether a sequence is so far ahead that the ledger has to catch up.
    fn is_behind(&self) -> bool {
        let most = self.status.max_ledger_lag.get() / BEHIND;
        let ahead =
            |status: &SequenceStatus| status.applied.get().saturating_sub(status.covered.get());
        self.status.sequences.iter().any(|status| ahead(status) > most)
    }

    fn maintain(&mut self, budget_bytes: u64) {
        match self.ledger.maintain(budget_bytes) {
            Err(error) if !error.is_for_want_of_space() => {
                self.fatal.raise(format!("the ledger's index failed: {error}"));
            }
            // It can wait: look-ups cost a little more meanwhile.
            _ => {}
        }
    }

    /// There is no room: what was appended stays in memory, and the next commit tries again. The
    /// journal writer takes nothing more meanwhile, so that it does not grow.
    fn wait(&self, error: &ledger::Error) {
        if !self.status.ledger_waits_for_room.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the ledger waits for room on its disk: read-only");
        }
    }

    fn go_on(&self) {
        if self.status.ledger_waits_for_room.swap(false, Ordering::Relaxed) {
            tracing::info!("the ledger has room again");
        }
    }

    /// Tells everybody who listens how far the ledger has come.
    fn announce(&self) {
        for (&sequence, listeners) in &self.listeners {
            let through = self.ledger.durable(sequence);
            let Some(status) = self.status.sequence(sequence) else { continue };
            if status.covered.get() == through {
                continue;
            }
            status.covered.set(through);
            for listener in listeners {
                // One message a commit: past the bound of a mailbox, but not without bound.
                listener.do_send(LedgerCovers { sequence, through });
            }
        }
    }
}

impl Actor for LedgerKeeper {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.commit_in_time(context);
    }
}

impl Handler<Keep> for LedgerKeeper {
    type Result = ();

    fn handle(&mut self, Keep(batch): Keep, _: &mut Self::Context) {
        self.status.ledger_waiting.subtract(1);
        let uncommitted = self.ledger.uncommitted_bytes();
        if let Err(error) = self.ledger.append(&batch) {
            return self.fatal.raise(format!("the ledger failed: {error}"));
        }
        if self.ledger.uncommitted_bytes() >= self.policies.current().commit.bytes {
            self.commit();
        } else if self.ledger.uncommitted_bytes() < uncommitted {
            // It committed by itself. Who waits for it must hear of that: while there is always
            // another message, the interval does not come to its turn.
            self.go_on();
            self.announce();
        }
        self.maintenance_due += batch.encoded_bytes() as u64 * MAINTENANCE_PER_BYTE;
        if self.maintenance_due >= MAINTENANCE_BYTES {
            let due = std::mem::take(&mut self.maintenance_due);
            self.courtesy.set_behind(self.is_behind());
            self.maintain(due);
        }
    }
}

/// Asks to be told how far the ledger has a sequence, from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Listen {
    /// The sequence.
    pub sequence: SequenceId,
    /// Who wants to know.
    pub listener: Recipient<LedgerCovers>,
}

impl Handler<Listen> for LedgerKeeper {
    type Result = ();

    fn handle(&mut self, listen: Listen, _: &mut Self::Context) {
        let listeners = self.listeners.entry(listen.sequence).or_default();
        listeners.retain(|listener| listener.connected());
        let through = self.ledger.durable(listen.sequence);
        listen.listener.do_send(LedgerCovers { sequence: listen.sequence, through });
        listeners.push(listen.listener);
    }
}

/// Asks to be answered when everything that was sent before has been appended.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Settled;

impl Handler<Settled> for LedgerKeeper {
    type Result = ();

    fn handle(&mut self, _: Settled, _: &mut Self::Context) {}
}

impl Handler<Finish> for LedgerKeeper {
    type Result = ();

    fn handle(&mut self, _: Finish, context: &mut Self::Context) {
        self.commit();
        context.stop();
    }
}
