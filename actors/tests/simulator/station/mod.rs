//! One sequence with its core, and everything that is on its way to and from it. Between any two
//! parts messages stay in order, as between two actors; what comes from several is in no order.

mod carrying_out;
mod letters;
mod prompting;

use std::collections::VecDeque;

use redeemd_actors::core::{Answer, Clock, Limits, Outputs, Rejection, SequenceCore, Submission};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::ledger::Batch;

use crate::attempts::Attempts;
use crate::oracle::{History, Modelled};

pub(crate) use letters::{Answers, BOOKS, CLIENTS, Fenced, HOUSEHOLD, JournalAnswer, STEPS, Sent};

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
    /// The last stamp at which the core looked at anything.
    stamped: Timestamp,
    outputs: Outputs<M>,
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
            stamped: Timestamp::default(),
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

    /// The state, as it is or was when it was last seen.
    pub(crate) fn machine(&self) -> &M {
        self.core.as_ref().map_or(&self.last_seen, |core| core.machine())
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
}
