//! Why there is no load.

use std::io;

use crate::client::Target;

/// Why there is no load.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not all connections could be made.
    #[error("cannot connect to {target}: {source}")]
    Refused {
        /// Where it was tried.
        target: Target,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system refused something else.
    #[error("cannot make a load: {0}")]
    Io(#[from] io::Error),
    /// Another thread of the load failed, and says why.
    #[error("another thread of the load failed")]
    Elsewhere,
    /// A thread of the load panicked.
    #[error("a thread of the load panicked")]
    Panicked,
}
