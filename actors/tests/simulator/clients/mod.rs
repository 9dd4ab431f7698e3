//! The clients: each asks for one thing at a time, and does what a client and the HTTP layer do
//! together: searches the ledger when told to, asks again after a rejection, an unknown outcome or a
//! crash, and sometimes repeats what it asked long ago.

mod answering;
mod life;
mod rules;
mod search;
mod steps;
mod wish;
mod wishes;

use std::collections::HashMap;
use std::sync::Arc;

use redeemd_actors::core::{Answer, Ask, Token};
use redeemd_domain::control::{self, Secret, SecretName};
use redeemd_domain::machine::{Outcome, Recollection, Recorded as _};
use redeemd_domain::request::RequestDigest;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{self, Claim};

use self::answering::Answering;
use self::steps::Next;
use self::wish::{Question, Wish};
use crate::dice::{Dice as _, Random};
use crate::oracle::ClientAnswer;
use crate::plan::Plan;
use crate::station::{BOOKS, CLIENTS, HOUSEHOLD, STEPS};
use crate::world::World;

/// The ticket under which the first secrets are brought in, one after the other.
const FIRST_SECRET: u64 = u64::MAX;

/// After so many searches a client gives up, as the HTTP layer does.
const MOST_SEARCHES: u32 = 8;

/// A wish on its way to being answered.
#[derive(Clone, Debug)]
struct Call {
    wish: Wish,
    /// Up to where the ledger was searched in vain.
    searched: u64,
    searches: u32,
    /// What it needs before its code's shard is asked again.
    next: Option<Next>,
    /// The claim that it goes with.
    claim: Option<Claim>,
    /// How many steps it took.
    steps: u32,
}

#[derive(Debug, Default)]
struct Client {
    call: Option<Call>,
    /// The attempt whose answer it waits for.
    attempt: Option<u64>,
    /// The step whose answer it waits for.
    step: Option<u64>,
    /// It does nothing before this step.
    pauses_until: u64,
}

/// Answers that were given, to be found again.
#[derive(Debug, Default)]
struct Given {
    shard: Vec<(SequenceId, Arc<shard::Record>)>,
    control: Vec<Arc<control::Record>>,
    by_request: HashMap<(SequenceId, RequestDigest), u64>,
}

/// All clients.
#[derive(Debug)]
pub(crate) struct Clients {
    clients: Vec<Client>,
    /// Wishes with a key, to be repeated.
    past: Vec<Wish>,
    given: Given,
    random: Random,
    next_key: u32,
    next_draft: u32,
    secret_is_asked_for: bool,
    /// Whether campaigns have rules in this history.
    has_rules: bool,
    next_step: u64,
}

impl Clients {
    pub(crate) fn new(seed: u64, plan: &Plan) -> Self {
        Self {
            clients: (0..plan.clients).map(|_| Client::default()).collect(),
            past: Vec::new(),
            given: Given::default(),
            random: Random::new(seed ^ 0x00c1_1e27),
            next_key: 0,
            next_draft: 0,
            secret_is_asked_for: false,
            has_rules: plan.has_rules,
            next_step: 0,
        }
    }

    /// One of the clients does something, if it has anything to do.
    pub(crate) fn act(&mut self, world: &mut World) -> bool {
        if !world.is_ready {
            return false;
        }
        if let Some(name) = world.control.history.model().missing_secret() {
            return self.ask_for_secret(world, name);
        }
        let place = self.random.place(self.clients.len());
        let step = world.trace.step;
        let client = &self.clients[place];
        if client.attempt.is_some() || client.step.is_some() || client.pauses_until > step {
            return false;
        }
        let mut call = match client.call.clone() {
            Some(call) => call,
            None => {
                let Some(wish) = self.wish(world) else { return false };
                if wish.has_key() {
                    self.past.push(wish.clone());
                }
                Call::new(wish)
            }
        };
        if self.take_step(world, place, &mut call) {
            self.clients[place].call = Some(call);
            return true;
        }
        let attempt = world.attempts.begin(call.wish.sequence(world.plan.layout));
        let token = Token { port: CLIENTS, ticket: attempt.0.into() };
        self.clients[place].attempt = Some(token.ticket);
        match call.wish.question(attempt, call.searched, call.claim, world.plan.layout) {
            Question::Shard(shard, command) => {
                world.send_to_shard(shard, token, Ask::Do(command));
            }
            Question::Tell(shard, query) => world.send_to_shard(shard, token, Ask::Tell(query)),
            Question::Control(command) => world.send_to_control(token, Ask::Do(command)),
        }
        self.clients[place].call = Some(call);
        true
    }

    /// One of the answers under way arrives.
    pub(crate) fn hear(&mut self, world: &mut World) -> bool {
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

    /// The process has ended: connections are lost.
    pub(crate) fn lose_connections(&mut self) {
        self.secret_is_asked_for = false;
        for client in &mut self.clients {
            let is_stepping = client.step.take().is_some();
            if client.attempt.take().is_some() || is_stepping {
                let call = client.call.take();
                client.call = call.filter(|_| self.random.percent(70)).and_then(Call::again);
            }
        }
    }

    /// Nobody begins anything new.
    pub(crate) fn retire(&mut self) {
        self.clients.iter_mut().for_each(|client| client.call = None);
    }

    /// Whether a client still waits for an answer.
    pub(crate) fn is_waiting(&self) -> bool {
        self.clients.iter().any(|client| client.attempt.is_some() || client.step.is_some())
    }

    /// Looks for answers that were given: `count` of them, or all. State, ledger by identifier, by
    /// code, by user and by request must still have each.
    pub(crate) fn check_given(&mut self, world: &mut World, count: Option<usize>) {
        let answers = &self.given.shard;
        let chosen: Vec<usize> = match count {
            None => (0..answers.len()).collect(),
            Some(_) if answers.is_empty() => Vec::new(),
            // Half of them are the newest.
            Some(count) => (0..count)
                .map(|turn| match turn % 2 {
                    0 => answers.len() - 1 - (turn / 2) % answers.len(),
                    _ => self.random.place(answers.len()),
                })
                .collect(),
        };
        let process = world.process.as_ref().expect("there is a process");
        for place in chosen {
            let (sequence, record) = &answers[place];
            search::check_given(&process.reader, *sequence, record);
            let history = &world.shards[sequence.index() - 1].history;
            assert_eq!(history.record(record.number), Some(record), "an answer was taken back");
        }
        for record in &self.given.control {
            let known = world.control.history.record(record.number);
            assert_eq!(known, Some(record), "an answer was taken back");
        }
    }

    /// The first answer to a request is the answer for ever.
    fn stands(&mut self, sequence: SequenceId, request: Option<RequestDigest>, number: u64) {
        let Some(request) = request else { return };
        let first = *self.given.by_request.entry((sequence, request)).or_insert(number);
        assert_eq!(first, number, "{request:?} of {sequence} is answered otherwise than before");
    }

    fn ask_for_secret(&mut self, world: &mut World, name: SecretName) -> bool {
        if std::mem::replace(&mut self.secret_is_asked_for, true) {
            return false;
        }
        let secret = Secret { name, enciphered: Box::from([1, 2, 3]) };
        let token = Token { port: HOUSEHOLD, ticket: FIRST_SECRET };
        world.send_to_control(token, Ask::Do(control::Command::AddSecret(secret)));
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

impl Call {
    /// The call as somebody makes it again who does not know what became of it: only with a key.
    fn again(self) -> Option<Self> {
        let Self { wish, .. } = self;
        wish.has_key().then(|| Self::new(wish))
    }

    fn new(wish: Wish) -> Self {
        Self { wish, searched: 0, searches: 0, next: None, claim: None, steps: 0 }
    }
}
