//! API keys: letting them in, seeing them, and shutting them out.
//!
//! The text of a key is told once, to the one who asked for it; only its digest is kept.

use redeemd_domain::control::{ApiKey, Command, Event, NewApiKey, Role};
use redeemd_domain::identifier::{ApiKeyId, ApiKeyNumber};

use super::caller::Caller;
use super::campaigns::asked;
use super::error::{Error, Resource};
use super::events::Event as Happened;
use super::idempotency::IdempotencyKey;
use super::worker::Worker;
use crate::secrets::{ApiKeyText, digest_of_api_key};

/// An API key that was let in.
#[derive(Debug)]
pub struct LetIn {
    /// Its identifier.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: Box<str>,
    /// What it may do.
    pub role: Role,
    /// Its text; `None` where the request was answered before and the text cannot be made again,
    /// because the server has another secret now.
    pub text: Option<ApiKeyText>,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Worker {
    /// Makes an API key and lets it in. A request that has a key of its own always gets the same
    /// API key, so that whoever lost the answer can ask again.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn let_in(
        &self,
        caller: Caller,
        key: Option<&IdempotencyKey>,
        name: &str,
        role: Role,
    ) -> Result<LetIn, Error> {
        let text = match key {
            Some(key) => {
                let wrapper = self.inner().vault.wrapper();
                ApiKeyText::derive(wrapper, caller.number, key.as_bytes())
                    .map_err(|error| Error::internal(error.to_string()))?
            }
            None => ApiKeyText::make().map_err(|error| Error::internal(error.to_string()))?,
        };
        let said = [name.as_bytes(), role.name().as_bytes()];
        let asked = asked(caller, key, b"POST /api-keys", &said);
        let digest = digest_of_api_key(text.as_str().as_bytes());
        let new = NewApiKey { digest, role, name: name.into() };
        let changed = self.change(Command::LetIn { key: new, asked }, None).await?;
        match changed.record.as_ref().map(|record| &record.event) {
            Some(Event::ApiKeyAdded { id, role, name }) => {
                let view = self.view();
                let kept = view.control().api_key(id.number);
                let text = Some(text).filter(|_| kept.is_some_and(|kept| kept.digest == digest));
                let (id, role, name) = (*id, *role, name.clone());
                Ok(LetIn { id, name, role, text, is_replayed: changed.is_replayed })
            }
            _ => Err(Error::internal("letting an API key in left another record")),
        }
    }

    /// Shuts an API key out, for good and at once. One that is shut out already stays so, and nothing
    /// happens.
    ///
    /// # Errors
    /// When there is no such key, or when it is the last admin key.
    pub async fn shut_out(&self, caller: Caller, id: ApiKeyId) -> Result<Option<Happened>, Error> {
        let view = self.view();
        let known = view.control().api_key(id.number).filter(|key| key.id == id);
        known.ok_or(Error::NotFound(Resource::ApiKey))?;
        let asked = asked(caller, None, b"", &[]);
        let changed = self.change(Command::ShutOut { api_key: id.number, asked }, None).await?;
        let record = changed.record.filter(|_| !changed.is_replayed);
        Ok(record.and_then(|record| Happened::of_control((*record).clone(), 0)))
    }

    /// API keys, revoked ones included, the newest first: at most `limit` of those that were let in
    /// before one; and whether these are the last.
    pub fn api_keys(&self, before: Option<ApiKeyNumber>, limit: usize) -> (Vec<ApiKey>, bool) {
        let view = self.view();
        let comes_after = |key: &&ApiKey| before.is_none_or(|before| key.id.number < before);
        let mut keys = view.control().api_keys().rev().filter(comes_after);
        let page = keys.by_ref().take(limit).cloned().collect();
        (page, keys.next().is_none())
    }
}
