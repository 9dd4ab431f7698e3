//! The secrets that codes depend on, as the state keeps them: enciphered under the server's own
//! secret, which is never in the journal, a snapshot or a backup.

use serde::{Deserialize, Serialize};

use super::apply::Result;
use super::{Control, Event, Refusal};

/// The most sealing keys that may be live at once: a code that opens under none of them was tried
/// with all of them.
pub const MAX_SEALING_KEYS: usize = 8;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// Enciphers sealed codes.
    SealingKey,
    /// Digests listed codes.
    Pepper,
    /// Digests codes to the short hints that people see.
    HintKey,
    /// Draws the codes of patterns.
    PatternKey,
}

/// Names a secret: its purpose and its number (the epoch of a sealing key), from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretName {
    /// What it is for.
    pub purpose: Purpose,
    /// Which of those for the purpose; later ones are higher.
    pub number: u16,
}

/// An enciphered secret. What cipher it is, and whether it is genuine, is for the holder of the
/// server's secret to know.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its name.
    pub name: SecretName,
    /// Nonce, cipher text and tag.
    pub enciphered: Box<[u8]>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Secret({:?})", self.name)
    }
}

impl Control {
    pub(super) fn add_secret(&mut self, secret: Secret) -> Result<Event> {
        let name = secret.name;
        let of_purpose = self.secrets.keys().filter(|other| other.purpose == name.purpose);
        let newest = of_purpose.clone().map(|other| other.number).max().unwrap_or(0);
        let full = name.purpose == Purpose::SealingKey && of_purpose.count() >= MAX_SEALING_KEYS;
        if full || name.number <= newest {
            return Err(Refusal::SecretNotAdded);
        }
        self.secrets.insert(name, secret);
        Ok(Event::SecretAdded(name))
    }

    /// The number of the newest secret for a purpose.
    pub(super) fn newest_secret(&self, purpose: Purpose) -> Option<u16> {
        let secrets = self.secrets.keys().filter(|name| name.purpose == purpose);
        secrets.map(|name| name.number).max()
    }
}
