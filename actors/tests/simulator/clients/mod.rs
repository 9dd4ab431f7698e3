//! The clients: each asks for one thing at a time, and does what a client and the HTTP layer do
//! together: searches the ledger when told to, asks again after a rejection, an unknown outcome or a
//! crash, and sometimes repeats what it asked long ago.

mod answering;
mod call;
mod given;
mod hearing;
mod life;
mod rules;
mod search;
mod steps;
mod wish;
mod wishes;

use redeemd_actors::core::{Ask, Token};
use redeemd_domain::control::{self, Secret, SecretName};

use self::call::Call;
use self::given::Given;
use self::wish::{Question, Wish};
use crate::dice::{Dice as _, Random};
use crate::plan::Plan;
use crate::station::{CLIENTS, HOUSEHOLD};
use crate::world::World;

/// The ticket under which the first secrets are brought in, one after the other.
const FIRST_SECRET: u64 = u64::MAX;

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
                self.perhaps_unasked(Call::new(wish))
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

    fn ask_for_secret(&mut self, world: &mut World, name: SecretName) -> bool {
        if std::mem::replace(&mut self.secret_is_asked_for, true) {
            return false;
        }
        let secret = Secret { name, enciphered: Box::from([1, 2, 3]) };
        let token = Token { port: HOUSEHOLD, ticket: FIRST_SECRET };
        world.send_to_control(token, Ask::Do(control::Command::AddSecret(secret)));
        true
    }
}
