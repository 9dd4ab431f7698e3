//! Counting an attempt in Redis: one script, one round trip, one key, in the same arithmetic as the
//! bucket that a server keeps for itself.
//!
//! This is the generic cell rate algorithm (ITU-T I.371, annex A) in its form as a leaky bucket: a
//! number and a time for each client, whatever it asks.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, Script, ServerErrorKind, cmd};

use super::client::Connection;
use super::trouble::Failure;

static SCRIPT: LazyLock<(&str, Script)> = LazyLock::new(|| {
    let text = include_str!("attempt.lua");
    (text, Script::new(text))
});

/// An attempt, as the server that asks sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Requests a second that a bucket gains, 1 to 1,000,000.
    pub per_second: u32,
    /// Requests that a full bucket holds, 1 to 1,000,000.
    pub burst: u32,
    /// What the asking server knows to be missing of the bucket, in millionths of a request: at least
    /// so much counts. So nobody gains by it that Redis forgot what it counted.
    pub missing: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether the bucket held no request any more; then nothing was taken.
    pub is_refused: bool,
    /// What is missing of the bucket now, in millionths of a request.
    pub missing: u64,
}

/// Counts an attempt under a key. Never sends a second one after one whose answer is not known.
pub(super) async fn take(
    connection: &Connection,
    key: &str,
    attempt: Attempt,
) -> Result<Taken, Failure> {
    let (text, script) = &*SCRIPT;
    let counted: Result<(u8, u64), _> =
        connection.query(with_arguments("EVALSHA", script.get_hash(), key, attempt)).await;
    let (refused, missing) = match counted {
        // A server that was started anew, or a node that never saw it. Nothing has run.
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            connection.query(with_arguments("EVAL", text, key, attempt)).await?
        }
        counted => counted?,
    };
    Ok(Taken { is_refused: refused != 0, missing })
}

fn with_arguments(command: &str, script: &str, key: &str, attempt: Attempt) -> Cmd {
    let mut command = cmd(command);
    command.arg(script).arg(1).arg(key);
    command.arg(attempt.per_second).arg(attempt.burst).arg(attempt.missing);
    command
}
