//! Logs: to standard error, for people or for programs. Which levels are logged may change while the
//! server runs.

use redeemd_config::{Log, LogFormat};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// The log that was begun. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Logging {
    filter: reload::Handle<EnvFilter, Registry>,
    /// Whether `REDEEMD_LOG` decides, and not the settings.
    is_fixed: bool,
}

/// Begins to log. `filter` is what `REDEEMD_LOG` says, which can name modules and levels.
///
/// # Errors
/// When something logs already, or the filter cannot be read.
pub fn start(settings: &Log, filter: Option<&str>) -> Result<Logging, Error> {
    let first = match filter {
        Some(filter) => EnvFilter::try_new(filter)?,
        None => EnvFilter::try_new(usual(settings))?,
    };
    let (first, handle) = reload::Layer::new(first);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => {
            use std::io::IsTerminal as _;
            lines.with_ansi(std::io::stderr().is_terminal()).boxed()
        }
    };
    tracing_subscriber::registry().with(first).with(lines).try_init()?;
    Ok(Logging { filter: handle, is_fixed: filter.is_some() })
}

impl Logging {
    /// Logs what the settings say from now on, unless `REDEEMD_LOG` was given. The form of lines
    /// stays.
    ///
    /// # Errors
    /// When the log is gone.
    pub fn change(&self, settings: &Log) -> Result<(), Error> {
        if self.is_fixed {
            return Ok(());
        }
        Ok(self.filter.reload(EnvFilter::try_new(usual(settings))?)?)
    }
}

/// What is logged where `REDEEMD_LOG` does not say it.
///
/// A client that sends what is no HTTP is no error of the server's. The framework says so as one, a
/// line for each time, so that anybody could fill the log.
fn usual(settings: &Log) -> String {
    format!("{},actix_http::h1::dispatcher=off", settings.level.name())
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
    /// The filter cannot be changed.
    #[error("{0}")]
    Gone(#[from] reload::Error),
}
