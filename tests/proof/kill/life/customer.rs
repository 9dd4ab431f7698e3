//! A client that sends wishes and takes each answer into the book.

use std::net::SocketAddr;
use std::sync::Arc;

use redeemd::client::{Client, Request};
use serde_json::{Value, json};

use super::super::Fault;
use super::super::sending::{Sent, send};
use super::book::Book;
use super::bounds::Ticket;
use super::heard::Heard;
use super::judging::{is_good, may_be_refused};
use super::wish::{Deed, Standing, State, Wish};
use crate::site::admin;

/// A client.
pub(super) struct Customer<'a> {
    client: Client,
    pub(super) book: &'a Book,
}

/// What came of sending a wish.
#[derive(Debug)]
pub(super) enum Told {
    /// It was fulfilled, and this is the answer.
    Done(Value),
    /// It was refused, and this is the problem's name.
    Refused(String),
    /// The server was too busy, and nothing was done.
    PutOff,
    /// There was no answer.
    Silence,
}

impl<'a> Customer<'a> {
    pub(super) fn new(address: SocketAddr, book: &'a Book) -> Self {
        Self { client: admin(address), book }
    }

    /// Sends a wish, for the first time or again.
    pub(super) fn fulfil(&mut self, wish: &Arc<Wish>) -> Result<Told, Fault> {
        let Some(before) = wish.begin() else { return Ok(Told::PutOff) };
        let told = match &before.standing {
            Standing::Answered(first) => self.repeat(wish, first),
            _ => self.ask(wish, &before),
        };
        wish.end();
        told.map_err(|fault| format!("{fault}\n{wish:?}"))
    }

    /// Sends wishes to redeem, which are new, all at once.
    pub(super) fn fulfil_all(&mut self, wishes: &[Arc<Wish>]) -> Result<Told, Fault> {
        let items: Vec<_> = wishes.iter().map(|wish| wish.item()).collect();
        let body = json!({ "redemptions": items }).to_string();
        let begin = |wish: &Arc<Wish>| self.book.bounds().begin(wish);
        let tickets: Vec<_> = wishes.iter().map(begin).collect();
        let sent = send(&mut self.client, &Request::post("/api/v1/redemptions/batch", &body))?;
        let results = match &sent {
            Sent::Answered(answer) if answer.status() == 200 => {
                answer.json().map_err(|error| error.to_string())?["results"].take()
            }
            Sent::Answered(answer) if answer.status() != 503 => {
                return Err(format!("a batch got {}", answer.summary()));
            }
            _ => Value::Null,
        };
        self.book.tally.count("batches");
        let mut told = Told::Silence;
        for (place, (wish, ticket)) in wishes.iter().zip(&tickets).enumerate() {
            let heard = match &sent {
                Sent::CutOff => None,
                Sent::Answered(_) if results.is_array() => Some(Heard::in_batch(&results[place])?),
                Sent::Answered(answer) => Some(Heard::of(answer)?),
                Sent::Not => {
                    self.untouched(wish, ticket);
                    continue;
                }
            };
            let before = State::default();
            told = self
                .hear(wish, &before, ticket, heard)
                .map_err(|fault| format!("in a batch of {}: {fault}\n{wish:?}", wishes.len()))?;
        }
        Ok(told)
    }

    /// Sends another body under a key that has an answer.
    pub(super) fn reuse(&mut self, wish: &Wish) -> Result<Told, Fault> {
        let answer = match wish.send_otherwise(&mut self.client)? {
            Sent::Answered(answer) => answer,
            Sent::CutOff | Sent::Not => return Ok(Told::Silence),
        };
        match answer.problem().as_deref() {
            Some("idempotency_key_reused") => self.book.tally.count("keys reused"),
            Some("overloaded") => {}
            _ => return Err(format!("another body was answered {}\n{wish:?}", answer.summary())),
        }
        Ok(Told::PutOff)
    }

    /// Sends a wish that was fulfilled.
    fn repeat(&mut self, wish: &Wish, first: &Value) -> Result<Told, Fault> {
        let again = match wish.send(&mut self.client)? {
            Sent::Answered(answer) => Heard::of(&answer)?,
            Sent::CutOff | Sent::Not => return Ok(Told::Silence),
        };
        if again.is_put_off() {
            return Ok(Told::PutOff);
        }
        let is_right = again.status == wish.deed.good_status() && again.is_replayed;
        if !is_right || again.body != *first {
            return Err(format!("a repeated request got {again:?}, and first {first}"));
        }
        self.book.tally.count("repeated");
        Ok(Told::Done(again.body))
    }

    /// Sends a wish of which nobody was told yet what came of it.
    fn ask(&mut self, wish: &Arc<Wish>, before: &State) -> Result<Told, Fault> {
        let ticket = self.book.bounds().begin(wish);
        let heard = match wish.send(&mut self.client)? {
            Sent::Answered(answer) => Some(Heard::of(&answer)?),
            Sent::CutOff => None,
            Sent::Not => {
                self.untouched(wish, &ticket);
                return Ok(Told::Silence);
            }
        };
        self.hear(wish, before, &ticket, heard)
    }

    /// Takes an answer in; `None` is a request that was cut off.
    fn hear(
        &self,
        wish: &Arc<Wish>,
        before: &State,
        ticket: &Ticket,
        heard: Option<Heard>,
    ) -> Result<Told, Fault> {
        let Some(heard) = heard.filter(|heard| !heard.is_unknown()) else {
            self.book.lose(wish);
            return Ok(Told::Silence);
        };
        if heard.is_put_off() {
            self.untouched(wish, ticket);
            return Ok(Told::PutOff);
        }
        match heard.status == wish.deed.good_status() {
            true => self.done(wish, before, ticket, heard),
            false => self.refused(wish, before, ticket, &heard),
        }
    }

    /// A wish was certainly not carried out this time.
    fn untouched(&self, wish: &Arc<Wish>, ticket: &Ticket) {
        self.book.bounds().untouched(ticket, wish);
        self.book.put_off(wish);
    }

    fn done(
        &self,
        wish: &Arc<Wish>,
        before: &State,
        ticket: &Ticket,
        heard: Heard,
    ) -> Result<Told, Fault> {
        let Heard { body, is_replayed, .. } = heard;
        if is_replayed && !matches!(before.standing, Standing::Lost) {
            return Err("it is said to be repeated, and was sent once".to_owned());
        }
        // Of a hold no event tells whose it was, until the answer does.
        let is_looked_for = before.is_looked_for && !matches!(wish.deed, Deed::Hold { .. });
        match &before.told {
            Some(told) if !is_replayed || *told != body => {
                let again = if is_replayed { "repeated" } else { "done again" };
                return Err(format!("it is {again} as {body}, and an event told of {told}"));
            }
            None if is_looked_for && is_replayed => {
                return Err(format!("it is repeated as {body}, and no event told of it"));
            }
            _ => {}
        }
        if !is_good(wish, &body) {
            return Err(format!("it was answered {body}"));
        }
        let id = body["id"].as_str().unwrap_or_default();
        self.book.bounds().granted(ticket, wish, id, is_replayed)?;
        self.book.tally.count(if is_replayed { "had happened" } else { wish.deed.name() });
        self.book.settle(wish, Standing::Answered(body.clone()));
        if !is_replayed {
            self.book.offer(wish, &body);
        }
        Ok(Told::Done(body))
    }

    fn refused(
        &self,
        wish: &Arc<Wish>,
        before: &State,
        ticket: &Ticket,
        heard: &Heard,
    ) -> Result<Told, Fault> {
        let problem = heard.refusal();
        if let Some(told) = &before.told {
            return Err(format!("it is refused ({problem}), and an event told of {told}"));
        }
        if !may_be_refused(wish, &problem, &self.book.pool()) {
            return Err(format!("it was refused: {} {problem}", heard.status));
        }
        self.book.bounds().refused(ticket, wish, &problem)?;
        self.book.tally.count(&problem);
        self.book.settle(wish, Standing::Refused);
        Ok(Told::Refused(problem))
    }
}
