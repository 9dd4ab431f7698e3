//! Making entries: of commands that need one, and of what is due without anybody asking for it.

use redeemd_domain::entry::Entry;
use redeemd_domain::machine::Machine;
use redeemd_domain::timestamp::Timestamp;

use super::answer::{Answer, ReadOnly, Rejection, Token};
use super::{Now, Outputs, SequenceCore};

/// Whether a command is refused when there is more to do than fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// It is refused.
    Usual,
    /// Others wait for it, and whoever asks has bounded it.
    Reserved,
}

impl<M: Machine> SequenceCore<M> {
    /// Proposes an entry of no effect when the state remembers what the ledger has long covered,
    /// or when `always`: called now and then, so that an idle sequence forgets too, and moves on
    /// where the journal waits for it. When all is forgotten it is left alone: an entry of no
    /// effect is covered by the ledger too, and must not call for the next one.
    pub fn advance(&mut self, now: Now, always: bool, outputs: &mut Outputs<M>) {
        let forgotten = self.machine.forgotten();
        let would_forget =
            forgotten < self.last_change && forgotten < self.covered && self.pipeline.len() == 0;
        let at = self.stamp(now);
        if (always || would_forget) && self.propose(None, M::advance(), at, Lane::Usual).is_none() {
            self.flush(outputs);
        }
    }

    /// Proposes what is due without anybody asking for it: called now and then, so that it also
    /// happens where nothing else does.
    pub fn carry_out_what_is_due(&mut self, now: Now, outputs: &mut Outputs<M>) {
        if let Some(at) = self.stamp(now)
            && !self.disk_full
            && !self.is_full()
        {
            self.propose_what_is_due(at);
            self.flush(outputs);
        }
    }

    /// Proposes what is due at a stamp, once for each stamp, so that it precedes whatever is
    /// proposed at that stamp. What is still on its way is no longer due once it arrives; then the
    /// same once more changes nothing.
    fn propose_what_is_due(&mut self, at: Timestamp) {
        let (asked_at, last) = self.due;
        if at <= asked_at {
            return;
        }
        let mut due = self.machine.due(at);
        if self.machine.last() < last {
            due.truncate(1);
        }
        for command in due {
            if self.append(None, command, at) {
                self.due = (at, self.last_proposed());
            }
        }
    }

    /// The stamp for now, or the last one while the clock is not believed.
    pub(super) fn stamp(&mut self, now: Now) -> Option<Timestamp> {
        match self.clock.stamp(now) {
            Ok(stamp) => {
                self.leap = None;
                Some(stamp)
            }
            Err(leap) => {
                self.leap = Some(leap);
                None
            }
        }
    }

    /// Answers a command that needs no entry, or makes one of it.
    pub(super) fn propose(
        &mut self,
        token: Option<Token>,
        command: M::Command,
        at: Option<Timestamp>,
        lane: Lane,
    ) -> Option<Answer<M>> {
        // A replay precedes every refusal, also the server's own.
        let judged_at = at.unwrap_or(self.machine.time());
        if let Some(outcome) = self.machine.foresee(&command, judged_at) {
            return Some(Answer::Outcome(outcome));
        }
        let Some(at) = at else {
            return Some(Answer::Rejected(Rejection::ReadOnly(ReadOnly::ClockLeap)));
        };
        if self.disk_full {
            return Some(Answer::Rejected(Rejection::ReadOnly(ReadOnly::DiskFull)));
        }
        let is_new = lane == Lane::Usual && token.is_some() && !M::takes_away(&command);
        if self.backlog_full && is_new {
            return Some(Answer::Rejected(Rejection::ReadOnly(ReadOnly::BacklogFull)));
        }
        if lane == Lane::Usual && self.is_full() {
            return Some(Answer::Rejected(Rejection::Overloaded));
        }
        self.propose_what_is_due(at);
        let is_appended = self.append(token, command, at);
        (!is_appended).then_some(Answer::Rejected(Rejection::Unavailable))
    }

    /// Whether there is no room for another entry.
    fn is_full(&self) -> bool {
        let number = self.last_proposed() + 1;
        self.pipeline.len() >= self.limits.max_in_flight
            || self.pipeline.gathered_bytes() >= self.limits.max_frame_bytes
            || number.saturating_sub(self.covered) > self.limits.max_ledger_lag
    }

    /// Makes an entry of a command; whether it could be written.
    fn append(&mut self, token: Option<Token>, command: M::Command, at: Timestamp) -> bool {
        let number = self.last_proposed() + 1;
        self.pipeline.push(token, Entry { number, at, covered: self.covered, command })
    }

    /// The number of the last entry that was made.
    fn last_proposed(&self) -> u64 {
        self.machine.last() + self.pipeline.len() as u64
    }
}
