//! Why a request has no answer.

use std::io;
use std::time::Duration;

use super::target::Target;

/// Why a request has no answer. What the server refuses is an answer, not an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens there, so the request was certainly not carried out.
    #[error("cannot connect to {target}: {source}")]
    Refused {
        /// Where it was tried.
        target: Target,
        /// What the operating system said.
        source: io::Error,
    },
    /// The connection ended before any byte of an answer. The request may or may not have been
    /// carried out.
    #[error("the connection was lost before an answer: {0}")]
    Lost(io::Error),
    /// Nothing came for as long as this client waits. The request may or may not have been carried
    /// out.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// The answer began and broke off. The request may or may not have been carried out.
    #[error("the answer was cut off: {0}")]
    CutOff(io::Error),
    /// What came is not an answer that this client reads.
    #[error("the answer cannot be read: {0}")]
    Malformed(&'static str),
    /// What was to be sent could not be read.
    #[error("cannot read what is to be sent: {0}")]
    Input(io::Error),
    /// The answer could not be written to where it was to go.
    #[error("cannot write the answer: {0}")]
    Output(io::Error),
}

impl Error {
    /// Whether the same request may get an answer when it is sent again, once the server is back.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Lost(_) | Self::Silent(_) | Self::CutOff(_))
    }

    /// The operating system's word for an answer that ended too early.
    pub(super) fn early_end() -> io::Error {
        io::ErrorKind::UnexpectedEof.into()
    }
}
