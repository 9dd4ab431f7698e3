//! A conversation with a server: requests that must be carried out, and what is said of them.

use super::connection::ConnectionArguments;
use super::insisting::{Manner, insist};
use super::refused::Refused;
use crate::cli::progress::say;
use crate::client::{Answer, Client, Request};

/// A server, and how its user wants to be told.
pub(super) struct Session {
    /// The way to it.
    pub client: Client,
    /// Whether a program reads what is said.
    pub json: bool,
    /// How it insists.
    pub manner: Manner,
}

/// A name for a request that may have to be repeated. Nobody else has it.
pub(super) fn fresh_key() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(format!("cli-{:032x}", u128::from_be_bytes(bytes)))
}

impl Session {
    /// Takes the arguments; connects with the first request.
    ///
    /// # Errors
    /// When there is no key.
    pub(super) fn open(arguments: &ConnectionArguments) -> anyhow::Result<Self> {
        let json = arguments.json;
        let manner = Manner { patience: arguments.patience(), tells_people: !json };
        Ok(Self { client: arguments.client()?, json, manner })
    }

    /// Reads something; a lost answer is asked for again.
    ///
    /// # Errors
    /// The refusal, or why there is no answer.
    pub(super) fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.insist(&Request::get(path))
    }

    /// Changes something by a request that has a name of its own, so that it is carried out once,
    /// however often it has to be sent.
    ///
    /// # Errors
    /// The refusal, or why there is no answer.
    pub(super) fn post(&mut self, path: &str, body: Option<&str>) -> anyhow::Result<Answer> {
        let key = fresh_key()?;
        let request = match body {
            Some(body) => Request::post(path, body),
            None => Request::post_nothing(path),
        };
        self.insist(&request.idempotency_key(Some(&key)))
    }

    /// Sends a request once: nobody knows what became of it if its answer is lost.
    ///
    /// # Errors
    /// The refusal, or why there is no answer.
    pub(super) fn send_once(&mut self, request: &Request<'_>) -> anyhow::Result<Answer> {
        Refused::check(self.client.send(request)?)
    }

    fn insist(&mut self, request: &Request<'_>) -> anyhow::Result<Answer> {
        insist(self.manner, || self.client.send(request))
    }
}

/// Writes an answer's body to standard output as the server wrote it.
pub(super) fn say_as_it_came(answer: &Answer) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(answer.body());
    Ok(say(format_args!("{}", text.trim_end()))?)
}
