//! What the server refuses: one line for people, the problem itself for programs.

use serde_json::Value;

use crate::client::Answer;

/// An answer that the request was not carried out.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
pub(super) struct Refused {
    line: String,
    document: Option<String>,
}

impl Refused {
    /// Passes an answer on if the request was carried out.
    ///
    /// # Errors
    /// The refusal, if it was not.
    pub(super) fn check(answer: Answer) -> anyhow::Result<Answer> {
        match answer.status() {
            200..=299 => Ok(answer),
            _ => Err(Self::of(&answer).into()),
        }
    }

    /// The problem as the server wrote it, if it was one.
    pub(super) fn document(&self) -> Option<&str> {
        self.document.as_deref()
    }

    fn of(answer: &Answer) -> Self {
        let document = answer.json().unwrap_or_default();
        let Some(code) = document.get("code").and_then(Value::as_str) else {
            let status = answer.status();
            let line = format!("the server answered {status} without saying why; is it redeemd?");
            return Self { line, document: None };
        };
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let mut line = format!("{code}: {}", text("detail").or(text("title")).unwrap_or("refused"));
        // A single fault stands in the detail already.
        let faults = document.get("errors").and_then(Value::as_array);
        for fault in faults.filter(|faults| faults.len() > 1).into_iter().flatten() {
            let place = ["pointer", "parameter", "header"].into_iter();
            let place = place.filter_map(|name| fault.get(name)?.as_str()).next();
            let detail = fault.get("detail").and_then(Value::as_str).unwrap_or_default();
            line = format!("{line} {} {detail};", place.unwrap_or_default());
        }
        let line = line.trim_end_matches(';').replace(char::is_control, " ");
        Self { line, document: Some(document.to_string()) }
    }
}
