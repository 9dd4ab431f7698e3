//! One client that redeems: it asks again, with the same key, until it has an answer.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::stage::Stage;
use super::wishes::{Attempt, Wishes};
use crate::client::{Answer, Client, Request};

/// How long is asked for one answer, over a restart.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause before an attempt is repeated.
const PAUSE: Duration = Duration::from_millis(5);

/// A client on the stage.
pub(super) struct Redeemer<'a> {
    stage: &'a Stage,
    client: Client,
}

/// An answer, and what it took to get it.
pub(super) struct Told {
    /// The answer.
    pub answer: Answer,
    /// How long it took.
    pub took: Duration,
    /// How often the connection broke before there was an answer.
    pub cut_off: u32,
}

impl<'a> Redeemer<'a> {
    /// A client of the server on the stage.
    pub(super) fn new(stage: &'a Stage) -> anyhow::Result<Self> {
        Ok(Self { stage, client: stage.client()? })
    }

    /// Carries out an attempt.
    pub(super) fn redeem(&mut self, wishes: &Wishes, attempt: Attempt) -> anyhow::Result<Told> {
        let body = wishes.body(attempt.place(), &attempt.user());
        let key = attempt.key();
        let request = Request::post("/api/v1/redemptions", &body).idempotency_key(key.as_deref());
        self.insist(&request)
    }

    /// Sends a request until it has an answer other than that it should be sent again.
    pub(super) fn insist(&mut self, request: &Request<'_>) -> anyhow::Result<Told> {
        let begun = Instant::now();
        let mut cut_off = 0;
        loop {
            match self.client.send(request) {
                Ok(answer) if answer.status() == 503 => {
                    if begun.elapsed() > PATIENCE {
                        bail!("after {PATIENCE:?} the server still answers {}", answer.summary());
                    }
                }
                Ok(answer) => return Ok(Told { answer, took: begun.elapsed(), cut_off }),
                Err(error) if error.is_transient() && begun.elapsed() < PATIENCE => {
                    cut_off += 1;
                }
                Err(error) => return Err(error).context("no answer"),
            }
            thread::sleep(PAUSE);
            self.client.turn_to(self.stage.address()?);
        }
    }
}
