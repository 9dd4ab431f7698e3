//! A client that redeems codes in every way, and judges each answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use redeemd::client::{Answer, Client, Request};
use serde_json::{Value, json};

use super::Fault;
use super::book::{Book, Code};
use super::code::Keyed;
use super::judging::{judge_redemption, judge_refusal};
use super::sending::{Sent, send};
use crate::dice::Dice;
use crate::site::admin;

const REDEEM: &str = "/api/v1/redemptions";

/// How many of the newest codes are tried more often than the others.
const HOT: usize = 24;

pub(super) struct Player<'a> {
    client: Client,
    book: &'a Book,
    dice: Dice,
}

impl<'a> Player<'a> {
    pub(super) fn new(address: SocketAddr, book: &'a Book, dice: Dice) -> Self {
        Self { client: admin(address), book, dice }
    }

    /// Redeems until the server is killed.
    pub(super) fn play(&mut self, is_killed: &AtomicBool) -> Result<(), Fault> {
        while !is_killed.load(Ordering::SeqCst) {
            let goes_on = if self.dice.percent(20) { self.settle_one()? } else { self.step()? };
            if !goes_on {
                // The end of the server is seen a moment before it is said.
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// Sends everything once more that was cut off, until nothing is open.
    pub(super) fn settle_all(&mut self) -> Result<(), Fault> {
        while !self.book.lost.lock().unwrap().is_empty() {
            if !self.settle_one()? {
                return Err("a request that was cut off has no answer at the end".to_owned());
            }
        }
        Ok(())
    }

    fn settle_one(&mut self) -> Result<bool, Fault> {
        let lost = {
            let mut lost = self.book.lost.lock().unwrap();
            match lost.len() {
                0 => return Ok(true),
                count => lost.swap_remove(self.dice.below(count)),
            }
        };
        self.keyed(&lost.0, lost.1)
    }

    fn step(&mut self) -> Result<bool, Fault> {
        let Some(code) = self.choose() else { return Ok(false) };
        match self.dice.below(100) {
            0..45 => {
                let key = format!("key {:016x}", self.dice.next());
                let body = self.body(&code);
                code.history.lock().unwrap().keyed.insert(key.clone(), Keyed::new(body));
                self.keyed(&code, key)
            }
            45..70 => self.unkeyed(&code),
            70..90 => match self.answered() {
                Some((code, key)) => self.keyed(&code, key),
                None => self.unkeyed(&code),
            },
            _ => self.reuse(),
        }
    }

    fn choose(&mut self) -> Option<Arc<Code>> {
        let campaigns = self.book.campaigns();
        if campaigns.is_empty() {
            return None;
        }
        let campaign = &campaigns[self.dice.below(campaigns.len())];
        let codes = campaign.codes.read().unwrap();
        let count = codes.len();
        if count == 0 {
            return None;
        }
        let hot = if self.dice.percent(30) { HOT.min(count) } else { count };
        Some(Arc::clone(&codes[count - 1 - self.dice.below(hot)]))
    }

    fn body(&mut self, code: &Code) -> String {
        let user = format!("user-{}", self.dice.below(50));
        let spelled =
            if self.dice.percent(20) { code.text.to_lowercase() } else { code.text.clone() };
        match self.dice.percent(30) {
            true => json!({
                "code": spelled, "user_id": user, "metadata": { "order": self.dice.next() }
            }),
            false => json!({ "code": spelled, "user_id": user }),
        }
        .to_string()
    }

    /// Redeems without a key.
    fn unkeyed(&mut self, code: &Arc<Code>) -> Result<bool, Fault> {
        let body = self.body(code);
        let before = code.campaign.rules();
        code.history.lock().unwrap().open += 1;
        let sent = self.send(&Request::post(REDEEM, &body));
        let after = code.campaign.rules();
        let mut history = code.history.lock().unwrap();
        history.open -= 1;
        let answer = match sent? {
            Sent::Answered(answer) => answer,
            Sent::CutOff => {
                history.unknown += 1;
                return Ok(false);
            }
            Sent::Not => return Ok(false),
        };
        if answer.status() != 201 {
            return judge_refusal(&answer, history.can_be_used_up(&before), &before, &after)
                .inspect(|()| self.count_refusal())
                .map(|()| true);
        }
        if answer.is_replayed() {
            return Err("a redemption without a key is said to be repeated".to_owned());
        }
        let redemption = judge_redemption(&answer, &body, code, &before, &after)?;
        self.book.note(&redemption)?;
        history.acknowledge(redemption, &after)?;
        Ok(true)
    }

    /// Sends a request with a key, for the first time or again.
    fn keyed(&mut self, code: &Arc<Code>, key: String) -> Result<bool, Fault> {
        let keyed = {
            let mut history = code.history.lock().unwrap();
            let Some(keyed) = history.keyed.get_mut(&key).filter(|keyed| !keyed.is_busy) else {
                return Ok(true);
            };
            keyed.is_busy = true;
            let keyed = keyed.clone();
            history.open += 1;
            keyed
        };
        let before = code.campaign.rules();
        let sent = self.send(&Request::post(REDEEM, &keyed.body).idempotency_key(Some(&key)));
        let after = code.campaign.rules();
        let mut history = code.history.lock().unwrap();
        history.open -= 1;
        let known = history.keyed.get_mut(&key).ok_or("the book lost a key")?;
        known.is_busy = false;
        let answer = match sent? {
            Sent::Answered(answer) => answer,
            Sent::CutOff | Sent::Not if known.answer.is_some() => return Ok(false),
            Sent::CutOff => {
                known.is_lost = true;
                drop(history);
                self.book.lost.lock().unwrap().push((Arc::clone(code), key));
                return Ok(false);
            }
            Sent::Not => {
                if known.is_lost {
                    drop(history);
                    self.book.lost.lock().unwrap().push((Arc::clone(code), key));
                }
                return Ok(false);
            }
        };
        if let Some(first) = &known.answer {
            return self.judge_repeated(&answer, first);
        }
        if answer.status() == 503 {
            if known.is_lost {
                drop(history);
                self.book.lost.lock().unwrap().push((Arc::clone(code), key));
            }
            return judge_refusal(&answer, false, &before, &after).map(|()| true);
        }
        // Whatever it is, it settles what was open.
        let was_lost = std::mem::take(&mut known.is_lost);
        if answer.status() != 201 {
            return judge_refusal(&answer, history.can_be_used_up(&before), &before, &after)
                .inspect(|()| self.count_refusal())
                .map(|()| true);
        }
        if answer.is_replayed() && !was_lost {
            return Err(format!("{key} is said to be repeated, and was sent once"));
        }
        let redemption = judge_redemption(&answer, &keyed.body, code, &before, &after)?;
        if answer.is_replayed() {
            self.book.tally().had_happened.fetch_add(1, Ordering::Relaxed);
        }
        known.answer = Some(redemption.clone());
        self.book.answered.lock().unwrap().push((Arc::clone(code), key));
        self.book.note(&redemption)?;
        history.acknowledge(redemption, &after)?;
        Ok(true)
    }

    fn judge_repeated(&self, answer: &Answer, first: &Value) -> Result<bool, Fault> {
        if answer.status() == 503 {
            return Ok(true);
        }
        let repeated = answer.json().map_err(|error| error.to_string())?;
        if answer.status() != 201 || !answer.is_replayed() || repeated != *first {
            let summary = answer.summary();
            return Err(format!("a repeated request got {summary} {repeated}, and first {first}"));
        }
        self.book.tally().repeated.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }

    /// A request that was answered at any time.
    fn answered(&mut self) -> Option<(Arc<Code>, String)> {
        let answered = self.book.answered.lock().unwrap();
        match answered.len() {
            0 => None,
            count => Some(answered[self.dice.below(count)].clone()),
        }
    }

    /// Sends another body under a key that has an answer.
    fn reuse(&mut self) -> Result<bool, Fault> {
        let Some((code, key)) = self.answered() else { return Ok(true) };
        let body = json!({ "code": code.text, "user_id": "somebody-else" }).to_string();
        let answer = match self.send(&Request::post(REDEEM, &body).idempotency_key(Some(&key)))? {
            Sent::Answered(answer) => answer,
            Sent::CutOff | Sent::Not => return Ok(false),
        };
        if !matches!(answer.problem().as_deref(), Some("idempotency_key_reused" | "overloaded")) {
            return Err(format!("{key} with another body was answered {}", answer.summary()));
        }
        self.book.tally().reused.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }

    fn send(&mut self, request: &Request<'_>) -> Result<Sent, Fault> {
        let sent = send(&mut self.client, request);
        if matches!(sent, Ok(Sent::CutOff)) {
            self.book.tally().cut_off.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    fn count_refusal(&self) {
        self.book.tally().refused.fetch_add(1, Ordering::Relaxed);
    }
}
