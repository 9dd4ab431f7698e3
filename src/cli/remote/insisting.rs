//! Asking again until there is an answer, for requests that may be sent twice: those that only read,
//! and those with an idempotency key.

use std::thread;
use std::time::{Duration, Instant};

use super::refused::Refused;
use crate::client::{Answer, Error};

/// The pause before a request is repeated for the first time. It doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How a command insists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// For how long a request is repeated; also how long the server may be silent.
    pub patience: Duration,
    /// Whether people are told, on standard error. Programs expect nothing there but problems.
    pub tells_people: bool,
}

/// Attempts until the server carries out the request or refuses it. It is attempted again where the
/// connection broke, and where the server says that it should be, for as long as the patience lasts.
/// A server that is not there to begin with is not waited for.
///
/// # Errors
/// The refusal, or the last reason why there is no answer.
pub(super) fn insist(
    manner: Manner,
    mut attempt: impl FnMut() -> Result<Answer, Error>,
) -> anyhow::Result<Answer> {
    let mut since = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let (again, reason) = match attempt() {
            Ok(answer) if is_to_be_repeated(&answer) => {
                let reason = format!("the server answered {}", answer.summary());
                (Ok(answer), reason)
            }
            Ok(answer) => return Refused::check(answer),
            Err(error) if error.is_transient() && (since.is_some() || was_there(&error)) => {
                let reason = error.to_string();
                (Err(error), reason)
            }
            Err(error) => return Err(error.into()),
        };
        if since.is_none() && manner.tells_people {
            crate::cli::note(&format!("redeemd: {reason}; asking again"));
        }
        let begun = *since.get_or_insert_with(Instant::now);
        if begun.elapsed() + pause > manner.patience {
            return Refused::check(again?);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether the server was reached, so that it may come back.
fn was_there(error: &Error) -> bool {
    !matches!(error, Error::Refused { .. })
}

/// Whether the server wants to be asked again soon. One that is read-only will be so for a while.
fn is_to_be_repeated(answer: &Answer) -> bool {
    let problem = answer.problem();
    matches!(problem.as_deref(), Some("overloaded" | "outcome_unknown"))
}
