//! An answer, alone or as one of a batch.

use redeemd::client::Answer;
use serde_json::Value;

use super::super::Fault;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) problem: Option<String>,
    pub(super) is_replayed: bool,
}

impl Heard {
    /// An answer to one request.
    pub(super) fn of(answer: &Answer) -> Result<Self, Fault> {
        let body = match answer.body() {
            [] => Value::Null,
            _ => answer.json().map_err(|error| error.to_string())?,
        };
        let (status, problem) = (answer.status(), answer.problem());
        Ok(Self { status, body, problem, is_replayed: answer.is_replayed() })
    }

    /// One result of a batch.
    pub(super) fn in_batch(result: &Value) -> Result<Self, Fault> {
        let status = result["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        Ok(Self {
            status: status.ok_or("a result of a batch has no status")?,
            body: result["redemption"].clone(),
            problem: result["problem"]["code"].as_str().map(str::to_owned),
            is_replayed: result["replayed"] == true,
        })
    }

    /// Whether nobody knows what came of it.
    pub(super) fn is_unknown(&self) -> bool {
        self.problem.as_deref() == Some("outcome_unknown")
    }

    /// Whether nothing was done, for want of room or time.
    pub(super) fn is_put_off(&self) -> bool {
        self.status == 503 && !self.is_unknown()
    }

    /// The problem's name, or the status where there is none.
    pub(super) fn refusal(&self) -> String {
        self.problem.clone().unwrap_or_else(|| self.status.to_string())
    }
}
