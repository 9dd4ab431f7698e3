//! Making codes worth more.

use redeemd_domain::request::Fingerprint;
use redeemd_domain::shard::{Command, Event, TopUp};

use super::caller::Caller;
use super::error::Error;
use super::idempotency::IdempotencyKey;
use super::worker::Worker;

/// A wish to make a code worth more, as an interface reads it.
#[derive(Debug)]
pub struct ToppingUp<'a> {
    /// The code, in any spelling.
    pub code: &'a str,
    /// By how much, in minor units.
    pub amount: u64,
    /// Why, for those who look later.
    pub reason: &'a str,
    /// By what the client names the request.
    pub key: Option<&'a IdempotencyKey>,
}

/// A code that is worth more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToppedUp {
    /// What it was worth afterwards, in minor units.
    pub balance_left: u64,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Worker {
    /// Makes a code worth more.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn top_up(&self, caller: Caller, wish: ToppingUp<'_>) -> Result<ToppedUp, Error> {
        let code = self.code_meant_by(wish.code).await?;
        let request = wish.key.map(|key| {
            let subject = [b"top-up of ", &*code.canonical()].concat();
            let amount = wish.amount.to_le_bytes();
            let said = Fingerprint::new(&[Some(&amount), Some(wish.reason.as_bytes())]);
            key.request(caller.number, &subject, said)
        });
        let ToppingUp { amount, reason, .. } = wish;
        let (reason, api_key) = (reason.into(), caller.number);
        let command = Command::TopUp(TopUp { code, amount, reason, api_key, request });
        let performed = self.perform(code, command).await?;
        match performed.record.as_ref().map(|record| &record.event) {
            Some(Event::ToppedUp(topped_up)) => Ok(ToppedUp {
                balance_left: topped_up.money.left,
                is_replayed: performed.is_replayed,
            }),
            _ => Err(Error::internal("a top-up was answered with another's record")),
        }
    }
}
