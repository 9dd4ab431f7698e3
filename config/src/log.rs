//! The `[log]` section: what is logged, and in what form.

use crate::reader::Reader;

/// Logs, which go to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// The least weighty level that is logged. `REDEEMD_LOG` can say it module by module instead.
    pub level: LogLevel,
    /// Which requests get a line of their own.
    pub requests: LogRequests,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Which requests get a line of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRequests {
    /// None.
    None,
    /// Those that end in an error of the server's: status 500 and above. Of many, some.
    Errors,
    /// All.
    All,
}

impl LogRequests {
    const NAMES: [(&str, Self); 3] =
        [("none", Self::None), ("errors", Self::Errors), ("all", Self::All)];
}

/// How weighty a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed and somebody has to look.
    Error,
    /// Something is not as it should be, and the server goes on.
    Warn,
    /// What an operator wants to see of a healthy server.
    Info,
    /// What helps in finding an error.
    Debug,
    /// Everything.
    Trace,
}

impl LogFormat {
    const NAMES: [(&str, Self); 2] = [("text", Self::Text), ("json", Self::Json)];
}

impl LogLevel {
    const NAMES: [(&str, Self); 5] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    /// The level's name, which is also its directive for a log filter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Log {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        Self {
            format: reader.choice("log.format", &LogFormat::NAMES, fallback.format),
            level: reader.choice("log.level", &LogLevel::NAMES, fallback.level),
            requests: reader.choice("log.requests", &LogRequests::NAMES, fallback.requests),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info, requests: LogRequests::Errors }
    }
}
