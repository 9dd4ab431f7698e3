//! What a sequence's actor decides, without doing any of it: events in, outputs out.
//!
//! A [`SequenceCore`] owns a machine. It answers at once what the present state settles, proposes
//! the rest as entries, and applies them when the journal has them. It performs no I/O, reads no
//! clock and knows no actor: whoever drives it, an actor or the simulator, carries out what it
//! puts into [`Outputs`].

mod answer;
mod clock;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

pub use answer::{Answer, Ask, PortId, Proposed, ReadOnly, Rejection, Submission, Token};
pub use clock::{Clock, Leap, Now};

use redeemd_domain::entry::{self, Entry};
use redeemd_domain::machine::{Machine, Outcome};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;

/// What bounds a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most commands that may wait for the journal.
    pub max_in_flight: usize,
    /// The most frames that may be with the journal at once. Two keep it busy: one that it
    /// flushes, and one that waits; everything else gathers here into the next frame.
    pub max_frames: usize,
    /// The most payload bytes of one frame, about: a frame that has reached it takes no more.
    pub max_frame_bytes: usize,
    /// The most entries that the ledger may be behind before commands are refused.
    pub max_ledger_lag: u64,
    /// How far the wall clock may leap ahead and be believed, in milliseconds.
    pub max_clock_leap_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_in_flight: 16_384,
            max_frames: 2,
            max_frame_bytes: 1 << 20,
            max_ledger_lag: 250_000,
            max_clock_leap_ms: 60_000,
        }
    }
}

/// Names a frame that was given to the journal, so that a late answer about one is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameTicket(pub u64);

/// Entries to be appended to the journal.
#[derive(Debug)]
pub struct FrameProposal {
    /// Which frame it is.
    pub ticket: FrameTicket,
    /// The number of its first entry.
    pub first: u64,
    /// How many entries it has, at least one.
    pub count: u32,
    /// The entries, as [`entry::encode`] writes them.
    pub payload: Vec<u8>,
}

/// What happened between two numbers of a sequence, for the ledger: records, in order, of those
/// entries that changed something.
#[derive(Debug)]
pub struct Applied<M: Machine> {
    /// The first entry that was applied.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// What came of them.
    pub records: Vec<Arc<M::Record>>,
}

/// What is to be done. Whoever drives a core empties it.
#[derive(Debug)]
pub struct Outputs<M: Machine> {
    /// Frames for the journal, in order.
    pub frames: Vec<FrameProposal>,
    /// Answers, each to be given once.
    pub answers: Vec<(Token, Answer<M>)>,
    /// Records for the ledger, in order.
    pub applied: Vec<Applied<M>>,
}

impl<M: Machine> Default for Outputs<M> {
    fn default() -> Self {
        Self { frames: Vec::new(), answers: Vec::new(), applied: Vec::new() }
    }
}

/// A command that is on its way through the journal.
#[derive(Debug)]
struct Proposal<M: Machine> {
    /// Whom to answer; nobody asked for what the sequence does by itself.
    token: Option<Token>,
    entry: Entry<M::Command>,
}

/// Whether a command is refused when there is more to do than fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Usual,
    Reserved,
}

#[derive(Debug)]
struct Flight {
    ticket: FrameTicket,
    count: u32,
}

/// The decisions of one sequence.
#[derive(Debug)]
pub struct SequenceCore<M: Machine> {
    sequence: SequenceId,
    machine: M,
    clock: Clock,
    limits: Limits,
    /// Everything that is not applied yet, in order: first what the journal has been given, frame
    /// by frame as `flights` says, then what gathers in `payload`.
    proposals: VecDeque<Proposal<M>>,
    flights: VecDeque<Flight>,
    gathered: u32,
    payload: Vec<u8>,
    next_ticket: u64,
    covered: u64,
    /// The last entry that may have left a record to be forgotten.
    last_change: u64,
    /// The stamp at which what was due was last proposed, and the number of the last such entry.
    due: (Timestamp, u64),
    disk_full: bool,
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
            proposals: VecDeque::new(),
            flights: VecDeque::new(),
            gathered: 0,
            payload: Vec::new(),
            next_ticket: 0,
            covered,
            due: (Timestamp::default(), 0),
            disk_full: false,
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
        self.proposals.len()
    }

    /// Why nothing can be changed, if so.
    pub fn read_only(&self) -> Option<ReadOnly> {
        if self.disk_full {
            Some(ReadOnly::DiskFull)
        } else {
            self.leap.map(|_| ReadOnly::ClockLeap)
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

    /// Takes a question: answers it, or proposes an entry. Call [`SequenceCore::flush`] when no
    /// more are at hand.
    pub fn submit(&mut self, submission: Submission<M>, now: Now, outputs: &mut Outputs<M>) {
        let Submission { token, ask } = submission;
        self.considering = Some(token);
        let at = self.stamp(now);
        let answer = match ask {
            Ask::Tell(query) => {
                let at = at.unwrap_or(self.machine.time());
                Some(Answer::Reply(self.machine.reply(&query, at)))
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
        if self.gathered == 0 || self.flights.len() >= self.limits.max_frames {
            return;
        }
        let ticket = FrameTicket(self.next_ticket);
        self.next_ticket += 1;
        let count = std::mem::take(&mut self.gathered);
        let proposed = self.machine.last() + self.proposals.len() as u64;
        self.flights.push_back(Flight { ticket, count });
        outputs.frames.push(FrameProposal {
            ticket,
            first: proposed + 1 - u64::from(count),
            count,
            payload: std::mem::take(&mut self.payload),
        });
    }

    /// The journal has the frame: its entries are applied, and answered.
    pub fn committed(&mut self, ticket: FrameTicket, outputs: &mut Outputs<M>) {
        let Some(flight) = self.flights.pop_front_if(|flight| flight.ticket == ticket) else {
            return;
        };
        let first = self.machine.last() + 1;
        let mut records = Vec::with_capacity(flight.count as usize);
        for _ in 0..flight.count {
            let Some(Proposal { token, entry }) = self.proposals.pop_front() else { break };
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
        if self.flights.front().is_none_or(|flight| flight.ticket != ticket) {
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

    /// Proposes an entry of no effect when the state remembers what the ledger has long covered,
    /// or when `always`: called now and then, so that an idle sequence forgets too, and moves on
    /// where the journal waits for it. When all is forgotten it is left alone: an entry of no
    /// effect is covered by the ledger too, and must not call for the next one.
    pub fn advance(&mut self, now: Now, always: bool, outputs: &mut Outputs<M>) {
        let forgotten = self.machine.forgotten();
        let would_forget =
            forgotten < self.last_change && forgotten < self.covered && self.proposals.is_empty();
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
                self.due = (at, self.machine.last() + self.proposals.len() as u64);
            }
        }
    }

    /// The stamp for now, or the last one while the clock is not believed.
    fn stamp(&mut self, now: Now) -> Option<Timestamp> {
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
    fn propose(
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
        if lane == Lane::Usual && self.is_full() {
            return Some(Answer::Rejected(Rejection::Overloaded));
        }
        self.propose_what_is_due(at);
        let is_appended = self.append(token, command, at);
        (!is_appended).then_some(Answer::Rejected(Rejection::Unavailable))
    }

    /// Whether there is no room for another entry.
    fn is_full(&self) -> bool {
        let number = self.machine.last() + self.proposals.len() as u64 + 1;
        self.proposals.len() >= self.limits.max_in_flight
            || self.payload.len() >= self.limits.max_frame_bytes
            || number.saturating_sub(self.covered) > self.limits.max_ledger_lag
    }

    /// Makes an entry of a command; whether it could be written.
    fn append(&mut self, token: Option<Token>, command: M::Command, at: Timestamp) -> bool {
        let number = self.machine.last() + self.proposals.len() as u64 + 1;
        let entry = Entry { number, at, covered: self.covered, command };
        if self.payload.is_empty() {
            entry::begin(&mut self.payload);
        }
        if entry::encode(&entry, &mut self.payload).is_err() {
            return false;
        }
        self.gathered += 1;
        self.proposals.push_back(Proposal { token, entry });
        true
    }

    /// Gives up everything that is not applied.
    fn abandon(&mut self, outputs: &mut Outputs<M>, answer: impl Fn(Proposed) -> Answer<M>) {
        self.flights.clear();
        self.gathered = 0;
        self.payload.clear();
        if let Some(token) = self.considering.take() {
            outputs.answers.push((token, Answer::Rejected(Rejection::Unavailable)));
        }
        let applying = self.applying.take();
        let waiting = self.proposals.drain(..).filter_map(|Proposal { token, entry }| {
            token.map(|token| (token, Proposed::from(&entry)))
        });
        let given_up = applying.into_iter().chain(waiting);
        outputs.answers.extend(given_up.map(|(token, proposed)| (token, answer(proposed))));
    }
}
