//! Records: what the entries that changed something leave behind, for the ledger to keep.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::identifier::ApiKeyNumber;
use crate::machine::Recorded;
use crate::request::{Fingerprint, RequestDigest};
use crate::timestamp::Timestamp;

/// Something that happened in a sequence. A stored format: its fields never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<E> {
    /// The number of the entry that made it.
    pub number: u64,
    /// When that entry was stamped.
    pub at: Timestamp,
    /// The API key that asked; 0 for the server itself.
    pub api_key: ApiKeyNumber,
    /// The request that this answers, where the client gave it an idempotency key.
    pub request: Option<(RequestDigest, Fingerprint)>,
    /// What happened.
    pub event: E,
}

impl<E> Recorded for Record<E>
where
    E: Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn number(&self) -> u64 {
        self.number
    }

    fn request(&self) -> Option<(RequestDigest, Fingerprint)> {
        self.request
    }
}
