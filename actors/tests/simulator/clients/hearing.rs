//! Taking answers in: what they settle, and whether the call goes on.

use redeemd_actors::core::Answer;
use redeemd_domain::machine::{Outcome, Recollection, Recorded as _};

use super::answering::Answering;
use super::call::Call;
use super::{Client, Clients, FIRST_SECRET, search};
use crate::dice::Dice as _;
use crate::oracle::ClientAnswer;
use crate::station::{BOOKS, HOUSEHOLD, STEPS};
use crate::world::World;

/// After so many searches a client gives up, as the HTTP layer does.
const MOST_SEARCHES: u32 = 8;

impl Clients {
    /// One of the answers under way arrives.
    pub(crate) fn hear(&mut self, world: &mut World) -> bool {
        if let Some((ticket, lent)) = world.lent.pop_front() {
            self.hear_lent(world, ticket, lent);
            return true;
        }
        if world.answers.is_empty() {
            return false;
        }
        let place = self.random.place(world.answers.len());
        let (token, answer) = world.answers.swap_remove(place);
        if token.port == BOOKS {
            world.hear_book(token.ticket, answer);
            return true;
        }
        if token.port == STEPS {
            self.hear_step(world, token.ticket, answer);
            return true;
        }
        if token.port == HOUSEHOLD {
            if token.ticket == FIRST_SECRET {
                self.secret_is_asked_for = false;
            } else {
                world.hear_spread(token.ticket, &answer);
            }
            return true;
        }
        let asker = |client: &Client| client.attempt == Some(token.ticket);
        let Some(place) = self.clients.iter().position(asker) else { return true };
        self.clients[place].attempt = None;
        let Some(call) = self.clients[place].call.take() else { return true };
        world.trace.note("answer", token.ticket, place as u64);
        let call = match answer {
            ClientAnswer::Shard(answer) => {
                let going_on = self.after(world, call.clone(), &answer);
                let is_step = matches!(answer, Answer::Outcome(Outcome::Acknowledged(_)));
                if is_step { going_on } else { self.hear_answer(world, call, answer) }
            }
            ClientAnswer::Control(answer) => self.hear_answer(world, call, answer),
        };
        self.clients[place].call = call;
        let pause = if self.random.percent(8) { self.random.below(400) } else { 0 };
        self.clients[place].pauses_until = world.trace.step + pause;
        true
    }

    /// Takes an answer in; returns the call if it goes on.
    fn hear_answer<M: Answering>(
        &mut self,
        world: &mut World,
        mut call: Call,
        answer: Answer<M>,
    ) -> Option<Call> {
        let sequence = call.wish.sequence(world.plan.layout);
        call.claim = None;
        match answer {
            Answer::Outcome(Outcome::Done(record)) => {
                M::given(self, world, sequence, &record);
                None
            }
            Answer::Outcome(Outcome::Replayed(record)) => {
                world.trace.note("replayed", record.number(), 0);
                M::given(self, world, sequence, &record);
                None
            }
            Answer::Outcome(Outcome::Unchanged | Outcome::Acknowledged(_)) => None,
            Answer::Outcome(Outcome::Refused(refusal)) => {
                world.trace.note(M::name(refusal), 0, 0);
                None
            }
            Answer::Reply(_) => None,
            Answer::Outcome(Outcome::SearchLedger { through }) => {
                world.trace.note("search ledger", sequence.0.into(), through);
                call.searches += 1;
                let request = call.wish.request(call.searched).expect("only those are searched");
                let process = world.process.as_ref().expect("there is a process");
                match search::search::<M>(&process.reader, sequence, request) {
                    None => return None,
                    Some(Recollection::Answered(record)) => {
                        world.trace.note("found in ledger", record.number(), 0);
                        M::given(self, world, sequence, &record);
                        return None;
                    }
                    Some(Recollection::Reused) => return None,
                    Some(Recollection::Unknown) => {}
                }
                let known = M::answer_to(world, sequence, &request.digest);
                assert!(
                    known.is_none_or(|number| number > through),
                    "the ledger does not find the answer of {sequence} to {request:?}: {known:?}"
                );
                call.searched = call.searched.max(through);
                (call.searches < MOST_SEARCHES).then_some(call)
            }
            Answer::Rejected(_) => {
                world.trace.note("rejected", sequence.0.into(), 0);
                Some(call).filter(|_| self.random.percent(60))
            }
            Answer::Unknown(proposed) => {
                world.trace.note("unknown", sequence.0.into(), proposed.number);
                call.again().filter(|_| self.random.percent(80))
            }
        }
    }
}
