//! An answer that came in.

use serde_json::Value;

use super::error::Error;
use super::head::Head;

/// An answer: its status, its headers, and its body unless that went elsewhere.
#[derive(Clone, Debug)]
pub struct Answer {
    head: Head,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(head: Head, body: Vec<u8>) -> Self {
        Self { head, body }
    }

    /// The status of HTTP.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// A header's value, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// A header's value as a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// Whether it repeats what an earlier request with the same key was answered.
    pub fn is_replayed(&self) -> bool {
        self.header("Idempotent-Replayed") == Some("true")
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(|_| Error::Malformed("the body is not JSON"))
    }

    /// What a problem document says went wrong, by its stable name.
    pub fn problem(&self) -> Option<String> {
        self.json().ok()?.get("code")?.as_str().map(str::to_owned)
    }

    /// Status and problem, for a message to people. The body is left out, since it may have codes.
    pub fn summary(&self) -> String {
        match self.problem() {
            Some(problem) => format!("{} {problem}", self.status()),
            None => self.status().to_string(),
        }
    }
}
