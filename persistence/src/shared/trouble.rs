//! Why Redis is not used, and what of its client's errors means what.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// The longest that is kept of what Redis said, in characters.
const LONGEST_TEXT: usize = 200;

/// Why Redis is not used. Nothing secret stands in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It answers too late.
    #[error("Redis answers too late")]
    Slow,
    /// It cannot be reached, or does not answer.
    #[error("Redis cannot be reached: {0}")]
    Away(String),
    /// It answers that it will not.
    #[error("Redis refuses: {0}")]
    Refused(String),
}

/// What came of one question, where it was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Something is wrong with Redis.
    Trouble(Trouble),
    /// The key is moving to another node of the cluster. The script did not run, and the client has
    /// noticed; the next question will find it.
    Elsewhere,
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        let text = || error.to_string().chars().take(LONGEST_TEXT).collect::<String>();
        let is_away = error.is_io_error()
            || error.is_timeout()
            || error.is_connection_dropped()
            || error.is_connection_refusal();
        Self::Trouble(match error.kind() {
            ErrorKind::Server(
                ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::TryAgain,
            ) => return Self::Elsewhere,
            ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel => Trouble::Away(text()),
            _ if is_away => Trouble::Away(text()),
            _ => Trouble::Refused(text()),
        })
    }
}
