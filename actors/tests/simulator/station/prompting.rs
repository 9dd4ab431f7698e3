//! What prompts a core: what is asked of it, what the journal answers, and the time that passes.

use redeemd_actors::core::{Answer, Ask, Now, Rejection, SequenceCore, Submission};
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::ledger::KeyHasher;

use super::{Answers, JournalAnswer, Station};
use crate::attempts::Attempts;
use crate::oracle::Modelled;

/// How many commands a core must propose before the next one, at a stamp at which it did not look
/// yet what is due. Nothing is said where others are on their way, which may end the same.
fn expected_due<M: Modelled>(core: &SequenceCore<M>, at: Option<Timestamp>) -> usize {
    let at = at.filter(|_| core.in_flight() == 0);
    at.map_or(0, |at| core.machine().due(at).len())
}

impl<M: Modelled> Station<M> {
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
        let due = expected_due(core, at.filter(|at| *at > self.stamped));
        core.submit(submission, now, &mut self.outputs);
        let proposed = core.in_flight();
        assert!(proposed == 0 || proposed > due, "what is due is not proposed before a command");
        self.stamped = at.unwrap_or(self.stamped);
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
            self.stamped = self.clock.stamp(now).unwrap_or(self.stamped);
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
}
