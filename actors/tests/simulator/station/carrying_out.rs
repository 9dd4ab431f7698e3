//! What becomes of a core's outputs.

use redeemd_actors::core::{Answer, Applied, Token};
use redeemd_actors::ledger_record;
use redeemd_domain::machine::Outcome;
use redeemd_persistence::ledger::{Batch, KeyHasher};

use super::{Answers, CLIENTS, Sent, Station};
use crate::attempts::{AttemptId, Attempts};
use crate::oracle::Modelled;

impl<M: Modelled> Station<M> {
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
    pub(super) fn carry_out(
        &mut self,
        hasher: KeyHasher,
        attempts: &mut Attempts,
        answers: &mut Answers,
    ) {
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
