//! What a sequence's actor decides, without doing any of it: events in, outputs out.
//!
//! A [`SequenceCore`] owns a machine. It answers at once what the present state settles, proposes
//! the rest as entries, and applies them when the journal has them. It performs no I/O, reads no
//! clock and knows no actor: whoever drives it, an actor or the simulator, carries out what it
//! puts into [`Outputs`].

mod answer;
mod clock;
mod limits;
mod outputs;
mod pipeline;
mod proposing;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use answer::{Answer, Ask, PortId, Proposed, ReadOnly, Rejection, Submission, Token};
pub use clock::{Clock, Leap, Now};
pub use limits::Limits;
pub use outputs::{Applied, FrameProposal, FrameTicket, Outputs};

use redeemd_domain::machine::{Machine, Outcome};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;

use pipeline::{Pipeline, Proposal};
use proposing::Lane;

/// How many commands' places in the memory are read together before the first of them is dealt with:
/// about as many as a processor waits for at once, and few enough that none is gone again.
pub const AT_HAND: usize = 16;

/// The decisions of one sequence.
#[derive(Debug)]
pub struct SequenceCore<M: Machine> {
    sequence: SequenceId,
    machine: M,
    clock: Clock,
    limits: Limits,
    pipeline: Pipeline<M>,
    covered: u64,
    /// The last entry that may have left a record to be forgotten.
    last_change: u64,
    /// The stamp at which what was due was last proposed, and the number of the last such entry.
    due: (Timestamp, u64),
    disk_full: bool,
    backlog_full: bool,
    leap: Option<Leap>,
    /// Whose question is being considered, and whose command is being applied, at this moment, so
    /// that a panic there leaves no question without an answer.
    considering: Option<Token>,
    applying: Option<(Token, Proposed)>,
}

impl<M: Machine> SequenceCore<M> {
    /// The core of a sequence whose machine has everything that the journal holds. `covered` is
    /// how far the ledger durably has it.
    pub fn new(sequence: SequenceId, machine: M, covered: u64, limits: Limits) -> Self {
        let clock = Clock::new(machine.time(), limits.max_clock_leap_ms);
        Self {
            sequence,
            last_change: machine.last(),
            machine,
            clock,
            limits,
            pipeline: Pipeline::new(),
            covered,
            due: (Timestamp::default(), 0),
            disk_full: false,
            backlog_full: false,
            leap: None,
            considering: None,
            applying: None,
        }
    }

    /// Which sequence it is.
    pub fn sequence(&self) -> SequenceId {
        self.sequence
    }

    /// The state, with every entry applied that the journal is known to hold.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// How far the ledger durably has the sequence.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// How many commands wait for the journal.
    pub fn in_flight(&self) -> usize {
        self.pipeline.len()
    }

    /// Why nothing can be changed, if so.
    pub fn read_only(&self) -> Option<ReadOnly> {
        if self.disk_full {
            Some(ReadOnly::DiskFull)
        } else if self.leap.is_some() {
            Some(ReadOnly::ClockLeap)
        } else {
            self.backlog_full.then_some(ReadOnly::BacklogFull)
        }
    }

    /// The leap of the clock that was not believed, if any.
    pub fn leap(&self) -> Option<Leap> {
        self.leap
    }

    /// How far the wall clock was behind the stamps when it was read last, in milliseconds.
    pub fn clock_behind_ms(&self) -> u64 {
        self.clock.behind_ms()
    }

    /// Reads what questions will be judged by, so that the processor has it at hand: called with the
    /// next few, at most [`AT_HAND`], before the first of them is submitted.
    pub fn bring_up(&self, submissions: &[Submission<M>]) {
        for Submission { ask, .. } in submissions {
            if let Ask::Do(command) | Ask::Insist(command) = ask {
                self.machine.bring_up(command);
            }
        }
    }

    /// Takes a question: answers it, or proposes an entry. Call [`SequenceCore::flush`] when no
    /// more are at hand.
    pub fn submit(&mut self, submission: Submission<M>, now: Now, outputs: &mut Outputs<M>) {
        let Submission { token, ask } = submission;
        self.considering = Some(token);
        let at = self.stamp(now);
        let answer = match ask {
            Ask::Tell(query) => {
                let at = at.unwrap_or(self.machine.time());
                Some(Answer::Reply(Box::new(self.machine.reply(&query, at))))
            }
            Ask::Do(command) => self.propose(Some(token), command, at, Lane::Usual),
            Ask::Insist(command) => self.propose(Some(token), command, at, Lane::Reserved),
        };
        self.considering = None;
        outputs.answers.extend(answer.map(|answer| (token, answer)));
    }

    /// Gives what has gathered to the journal, unless the journal has enough of this sequence
    /// already; then the next answer of the journal will.
    pub fn flush(&mut self, outputs: &mut Outputs<M>) {
        let frame = self.pipeline.depart(self.machine.last(), self.limits.max_frames);
        outputs.frames.extend(frame);
    }

    /// The journal has the frame: its entries are applied, and answered.
    pub fn committed(&mut self, ticket: FrameTicket, outputs: &mut Outputs<M>) {
        let Some(count) = self.pipeline.arrive(ticket) else { return };
        let first = self.machine.last() + 1;
        let mut records = Vec::with_capacity(count as usize);
        outputs.answers.reserve(count as usize);
        for place in 0..count as usize {
            if place % AT_HAND == 0 {
                let next = self.pipeline.commands().take(AT_HAND);
                next.for_each(|command| self.machine.bring_up(command));
            }
            let Some(Proposal { token, entry }) = self.pipeline.pop() else { break };
            self.applying = token.map(|token| (token, Proposed::from(&entry)));
            let outcome = self.machine.apply(entry);
            if let Outcome::Done(record) = &outcome {
                records.push(Arc::clone(record));
                self.last_change = self.machine.last();
            }
            if let Some((token, _)) = self.applying.take() {
                outputs.answers.push((token, Answer::Outcome(outcome)));
            }
        }
        outputs.applied.push(Applied { first, last: self.machine.last(), records });
        self.flush(outputs);
    }

    /// The journal certainly does not have the frame, for want of space. Everything that was
    /// proposed after it cannot follow either.
    pub fn not_appended(&mut self, ticket: FrameTicket, outputs: &mut Outputs<M>) {
        if !self.pipeline.is_next(ticket) {
            return;
        }
        self.disk_full = true;
        self.abandon(outputs, |_| Answer::Rejected(Rejection::ReadOnly(ReadOnly::DiskFull)));
    }

    /// The journal cannot say whether it has what it was given. Nothing can be proposed any more;
    /// whoever drives this core ends the process, or rebuilds the sequence from the journal.
    pub fn unknown(&mut self, outputs: &mut Outputs<M>) {
        self.abandon(outputs, |proposed| Answer::Unknown(proposed));
    }

    /// The ledger durably has everything up to this entry.
    pub fn ledger_covers(&mut self, number: u64) {
        self.covered = self.covered.max(number);
    }

    /// There is space on the disk again.
    pub fn disk_has_space(&mut self) {
        self.disk_full = false;
    }

    /// Whether as much waits to be copied elsewhere as may wait. Then nothing new is taken, but what
    /// only takes away what somebody could do; what is under way comes to its end, and what is due
    /// happens.
    pub fn set_backlog_full(&mut self, is_full: bool) {
        self.backlog_full = is_full;
    }

    /// Other bounds from now on. What is under way already is not given up for them.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.clock.set_max_leap_ms(limits.max_clock_leap_ms);
    }

    /// An operator said that the clock is right as it is now. Gives the leap that is believed, if
    /// there was one; a later one is not.
    pub fn believe_clock(&mut self, now: Now) -> Option<Leap> {
        self.leap = None;
        self.clock.believe(now)
    }

    /// Gives up everything that is not applied.
    fn abandon(&mut self, outputs: &mut Outputs<M>, answer: impl Fn(Proposed) -> Answer<M>) {
        if let Some(token) = self.considering.take() {
            outputs.answers.push((token, Answer::Rejected(Rejection::Unavailable)));
        }
        let applying = self.applying.take();
        let waiting = self.pipeline.clear().filter_map(|Proposal { token, entry }| {
            token.map(|token| (token, Proposed::from(&entry)))
        });
        let given_up = applying.into_iter().chain(waiting);
        outputs.answers.extend(given_up.map(|(token, proposed)| (token, answer(proposed))));
    }
}
