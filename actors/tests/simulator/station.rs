//! One sequence with its core, and everything that is on its way to and from it. Between any two
//! parts messages stay in order, as between two actors; what comes from several is in no order.

use std::collections::VecDeque;
use std::fmt;

use redeemd_actors::core::{
    Answer, Applied, Ask, Clock, FrameProposal, FrameTicket, Limits, Now, Outputs, PortId,
    Rejection, SequenceCore, Submission, Token,
};
use redeemd_actors::ledger_record;
use redeemd_domain::machine::Outcome;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::journal::Reader;
use redeemd_persistence::ledger::{Batch, KeyHasher};

use crate::attempts::{AttemptId, Attempts};
use crate::oracle::{ClientAnswer, History, Modelled};

/// The port of those who send what carries no attempt.
pub(crate) const HOUSEHOLD: PortId = PortId(u32::MAX);

/// The port of the clients; the ticket is the attempt.
pub(crate) const CLIENTS: PortId = PortId(0);

/// The port of the clients for the steps on the way to an attempt.
pub(crate) const STEPS: PortId = PortId(1);

/// The port of the node's own bookkeeping.
pub(crate) const BOOKS: PortId = PortId(2);

/// Answers that have left a core.
pub(crate) type Answers = Vec<(Token, ClientAnswer)>;

/// A frame on its way to the journal.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) sequence: SequenceId,
    /// Which of the sequence's cores wants to know what becomes of it.
    pub(crate) incarnation: u64,
    pub(crate) proposal: FrameProposal,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JournalAnswer {
    Committed(FrameTicket),
    NotAppended(FrameTicket),
    Unknown,
    DiskHasSpace,
}

/// A sequence.
#[derive(Debug)]
pub(crate) struct Station<M: Modelled> {
    pub(crate) sequence: SequenceId,
    pub(crate) history: History<M>,
    /// `None` while it is being rebuilt.
    pub(crate) core: Option<SequenceCore<M>>,
    /// What the machine was when it was last seen alive.
    pub(crate) last_seen: M,
    pub(crate) rebuilding: Option<Fenced>,
    pub(crate) incarnation: u64,
    pub(crate) inbox: Vec<Submission<M>>,
    pub(crate) flush_is_due: bool,
    pub(crate) frames: VecDeque<Sent>,
    pub(crate) journal_answers: VecDeque<JournalAnswer>,
    pub(crate) keeps: VecDeque<Batch>,
    /// How far the ledger says it is, on the way to the core.
    pub(crate) covers: VecDeque<u64>,
    /// The same, on the way to the keeper of the snapshots.
    pub(crate) keeper_covers: VecDeque<u64>,
    /// How far the ledger has last said it is.
    pub(crate) announced: u64,
    pub(crate) states: VecDeque<M>,
    pub(crate) snapshot_done: VecDeque<Option<u64>>,
    pub(crate) snapshot_is_under_way: bool,
    pub(crate) published: u64,
    pub(crate) is_known_to_journal: bool,
    /// Gives the same stamps as the core's own.
    clock: Clock,
    outputs: Outputs<M>,
}

/// A reader of the journal that was taken behind everything that a dead actor had sent.
pub(crate) struct Fenced(pub(crate) Box<dyn Reader>);

impl fmt::Debug for Fenced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fenced(..)")
    }
}

impl<M: Modelled> Station<M> {
    pub(crate) fn new(layout: ShardLayout, sequence: SequenceId) -> Self {
        Self {
            sequence,
            history: History::new(layout, sequence),
            core: None,
            last_seen: M::fresh(layout, sequence).expect("there is such a sequence"),
            rebuilding: None,
            incarnation: 0,
            inbox: Vec::new(),
            flush_is_due: false,
            frames: VecDeque::new(),
            journal_answers: VecDeque::new(),
            keeps: VecDeque::new(),
            covers: VecDeque::new(),
            keeper_covers: VecDeque::new(),
            announced: 0,
            states: VecDeque::new(),
            snapshot_done: VecDeque::new(),
            snapshot_is_under_way: false,
            published: 0,
            is_known_to_journal: false,
            clock: Clock::new(Default::default(), 0),
            outputs: Outputs::default(),
        }
    }

    /// Starts a core with a machine that was brought back.
    pub(crate) fn start(&mut self, machine: M, snapshot: u64, covered: u64, limits: Limits) {
        self.last_seen = machine.clone();
        self.clock = Clock::new(machine.time(), limits.max_clock_leap_ms);
        self.core = Some(SequenceCore::new(self.sequence, machine, covered, limits));
        self.announced = covered;
        self.published = snapshot;
        self.snapshot_is_under_way = false;
        // Whoever begins to listen is told at once.
        self.covers.push_back(covered);
        self.keeper_covers.push_back(covered);
    }

    /// The process has ended: nothing is on its way any more.
    pub(crate) fn stop(&mut self) {
        if let Some(core) = self.core.take() {
            self.last_seen = core.machine().clone();
        }
        self.incarnation += 1;
        self.rebuilding = None;
        self.inbox.clear();
        self.frames.clear();
        self.keeps.clear();
        self.keeper_covers.clear();
        self.states.clear();
        self.is_known_to_journal = false;
        self.forget_answers();
    }

    /// The actor panics: what it was asked is unknown, what is in its mailbox was not begun.
    pub(crate) fn panic(&mut self, attempts: &mut Attempts, answers: &mut Answers) {
        let Some(mut core) = self.core.take() else { return };
        core.unknown(&mut self.outputs);
        self.last_seen = core.machine().clone();
        self.incarnation += 1;
        let outputs = std::mem::take(&mut self.outputs);
        for (token, answer) in outputs.answers {
            self.answer(token, answer, attempts, answers);
        }
        for submission in std::mem::take(&mut self.inbox) {
            let answer = Answer::Rejected(Rejection::Overloaded);
            self.answer(submission.token, answer, attempts, answers);
        }
        self.forget_answers();
    }

    fn forget_answers(&mut self) {
        self.flush_is_due = false;
        self.journal_answers.clear();
        self.covers.clear();
        self.snapshot_done.clear();
    }

    /// A submission reaches the core.
    pub(crate) fn submit(
        &mut self,
        submission: Submission<M>,
        now: Now,
        hasher: KeyHasher,
        attempts: &mut Attempts,
        answers: &mut Answers,
    ) {
        let Some(core) = &mut self.core else {
            let answer = Answer::Rejected(Rejection::Unavailable);
            return self.answer(submission.token, answer, attempts, answers);
        };
        let at = self.clock.stamp(now).ok();
        let (command, asked) = match &submission.ask {
            Ask::Do(command) | Ask::Insist(command) => (Some(command.clone()), None),
            Ask::Tell(query) => (None, Some(M::copy_query(query))),
        };
        core.submit(submission, now, &mut self.outputs);
        for (_, answer) in &self.outputs.answers {
            match (answer, &command, &asked) {
                (Answer::Outcome(outcome), Some(command), _) => {
                    self.history.check_foreseen(command, at, outcome);
                }
                (Answer::Reply(reply), _, Some(query)) => {
                    self.history.check_reply(query, reply, at);
                }
                (Answer::Rejected(_), Some(_), _) => {}
                (answer, command, asked) => panic!("{command:?}, {asked:?}: {answer:?}"),
            }
        }
        self.flush_is_due = true;
        self.carry_out(hasher, attempts, answers);
    }

    /// What has gathered becomes a frame.
    pub(crate) fn flush(&mut self, hasher: KeyHasher, attempts: &mut Attempts) {
        self.flush_is_due = false;
        if let Some(core) = &mut self.core {
            core.flush(&mut self.outputs);
        }
        self.carry_out(hasher, attempts, &mut Vec::new());
    }

    /// The core looks at what no message prompts.
    pub(crate) fn advance(
        &mut self,
        now: Now,
        always: bool,
        hasher: KeyHasher,
        attempts: &mut Attempts,
    ) {
        if let Some(core) = &mut self.core {
            // The core asks its clock whether or not it goes on to propose anything.
            let _ = self.clock.stamp(now);
            core.advance(now, always, &mut self.outputs);
            let _ = self.clock.stamp(now);
            core.carry_out_what_is_due(now, &mut self.outputs);
        }
        self.carry_out(hasher, attempts, &mut Vec::new());
    }

    /// The next answer of the journal reaches the core.
    pub(crate) fn hear_journal(
        &mut self,
        hasher: KeyHasher,
        attempts: &mut Attempts,
        answers: &mut Answers,
    ) {
        let Some(answer) = self.journal_answers.pop_front() else { return };
        let Some(core) = &mut self.core else { return };
        match answer {
            JournalAnswer::Committed(ticket) => {
                core.committed(ticket, &mut self.outputs);
                self.history.committed(&self.outputs.answers, &self.outputs.applied);
            }
            JournalAnswer::NotAppended(ticket) => core.not_appended(ticket, &mut self.outputs),
            JournalAnswer::Unknown => core.unknown(&mut self.outputs),
            JournalAnswer::DiskHasSpace => core.disk_has_space(),
        }
        self.carry_out(hasher, attempts, answers);
    }

    pub(crate) fn believe_clock(&mut self, now: Now) {
        if let Some(core) = &mut self.core {
            core.believe_clock(now);
            self.clock.believe(now);
        }
    }

    /// Answers somebody, and notes what that settles.
    pub(crate) fn answer(
        &self,
        token: Token,
        answer: Answer<M>,
        attempts: &mut Attempts,
        answers: &mut Answers,
    ) {
        if token.port == CLIENTS {
            let attempt = AttemptId(token.ticket as u32);
            match &answer {
                Answer::Outcome(outcome) => {
                    let is_done = matches!(outcome, Outcome::Done(_));
                    assert!(!is_done || attempts.is_logged(attempt), "{attempt:?} is not durable");
                    attempts.answered(attempt);
                }
                Answer::Reply(_) => attempts.answered(attempt),
                Answer::Rejected(_) => attempts.rejected(attempt),
                Answer::Unknown(proposed) => attempts.unknown(attempt, *proposed),
            }
        }
        answers.push((token, M::envelope(answer)));
    }

    /// Does what the core decided, in the order in which its actor does.
    fn carry_out(&mut self, hasher: KeyHasher, attempts: &mut Attempts, answers: &mut Answers) {
        for proposal in std::mem::take(&mut self.outputs.frames) {
            let (sequence, incarnation) = (self.sequence, self.incarnation);
            self.frames.push_back(Sent { sequence, incarnation, proposal });
        }
        for applied in std::mem::take(&mut self.outputs.applied) {
            self.keep(&applied, hasher);
        }
        for (token, answer) in std::mem::take(&mut self.outputs.answers) {
            self.answer(token, answer, attempts, answers);
        }
        if let Some(core) = &self.core {
            assert_eq!(core.machine().last(), self.history.last(), "{}", self.sequence);
        }
    }

    fn keep(&mut self, applied: &Applied<M>, hasher: KeyHasher) {
        let mut batch = Batch::new(self.sequence, applied.first, hasher);
        let mut scratch = Vec::new();
        for record in &applied.records {
            ledger_record::push(record.as_ref(), &mut batch, &mut scratch).expect("it fits");
        }
        batch.cover(applied.last);
        self.keeps.push_back(batch);
    }
}
