//! Logs: to standard error, for people or for programs.

use redeemd_config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

/// Begins to log. `filter` is what `REDEEMD_LOG` says, which can name modules and levels.
///
/// # Errors
/// When something logs already, or the filter cannot be read.
pub fn start(settings: &Log, filter: Option<&str>) -> Result<(), Error> {
    use tracing_subscriber::util::SubscriberInitExt as _;

    let filter = EnvFilter::try_new(filter.unwrap_or(settings.level.name()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Json => builder.json().finish().try_init()?,
        LogFormat::Text => {
            use std::io::IsTerminal as _;
            builder.with_ansi(std::io::stderr().is_terminal()).finish().try_init()?;
        }
    }
    Ok(())
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `REDEEMD_LOG` is not a filter.
    #[error("REDEEMD_LOG cannot be read: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Something logs already.
    #[error("{0}")]
    Started(#[from] TryInitError),
}
