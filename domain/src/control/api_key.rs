//! API keys: what is kept of one, and how they are let in and shut out.

use serde::{Deserialize, Serialize};

use super::apply::Result;
use super::{Control, Event, Refusal};
use crate::identifier::{ApiKeyId, ApiKeyNumber};
use crate::timestamp::Timestamp;

/// The most API keys, revoked ones included: they stay, so that every record's asker has a name.
pub const MAX_API_KEYS: usize = 10_000;

/// An API key as it is kept: never itself, only its digest. A stored format, like all of
/// `command.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewApiKey {
    /// SHA-256 of the key's text. Keys are long and random, so that no slow digest is needed.
    pub digest: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// What people call it.
    pub name: Box<str>,
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Everything.
    Admin,
    /// Campaigns, codes, imports, exports, rollback.
    Issuer,
    /// Validate, redeem, hold; for trusted back ends.
    Redeemer,
    /// Reads everything but codes.
    Auditor,
    /// Validates and redeems under strict limits; may be shipped in a page or an app.
    Public,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Admin, Self::Issuer, Self::Redeemer, Self::Auditor, Self::Public];

    /// What people and programs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Issuer => "issuer",
            Self::Redeemer => "redeemer",
            Self::Auditor => "auditor",
            Self::Public => "public",
        }
    }

    /// The role with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// An API key as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// What people call it.
    pub name: Box<str>,
    /// Whether it is shut out.
    pub revoked: bool,
}

impl Control {
    pub(super) fn add_api_key(&mut self, at: Timestamp, key: NewApiKey) -> Result<Event> {
        if self.api_keys.values().any(|other| other.digest == key.digest) {
            return Err(Refusal::AlreadyExists);
        }
        let last = self.api_keys.last_key_value().map_or(0, |(number, _)| number.0);
        let number = ApiKeyNumber(last.checked_add(1).ok_or(Refusal::AlreadyExists)?);
        let id = ApiKeyId { at, number };
        let event = Event::ApiKeyAdded { id, role: key.role, name: key.name.clone() };
        let NewApiKey { digest, role, name } = key;
        self.api_keys.insert(number, ApiKey { id, digest, role, name, revoked: false });
        Ok(event)
    }

    pub(super) fn revoke_api_key(&mut self, number: ApiKeyNumber) -> Result<Option<Event>> {
        let key = self.api_keys.get_mut(&number).ok_or(Refusal::NotFound)?;
        let was_revoked = std::mem::replace(&mut key.revoked, true);
        Ok((!was_revoked).then_some(Event::ApiKeyRevoked(key.id)))
    }

    pub(super) fn let_in(&mut self, at: Timestamp, key: NewApiKey) -> Result<Event> {
        if self.api_keys.len() >= MAX_API_KEYS {
            return Err(Refusal::TooManyApiKeys);
        }
        self.add_api_key(at, key)
    }

    pub(super) fn shut_out(&mut self, number: ApiKeyNumber) -> Result<Option<Event>> {
        let is_admin = |key: &&ApiKey| key.role == Role::Admin && !key.revoked;
        let mut admins = self.api_keys.values().filter(is_admin);
        if let (Some(last), None) = (admins.next(), admins.next())
            && last.id.number == number
        {
            return Err(Refusal::LastAdminKey);
        }
        self.revoke_api_key(number)
    }
}
