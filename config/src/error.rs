//! What can be wrong with settings. Never carries the value of a setting that is not known, since a
//! misspelt name may well have a secret behind it.

use std::fmt;
use std::path::PathBuf;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    Unreadable {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is far larger than settings can be.
    #[error("the settings file {} is larger than {limit_bytes} bytes", path.display())]
    TooLarge {
        /// The file that was asked for.
        path: PathBuf,
        /// The most that is read.
        limit_bytes: u64,
    },
    /// The file is not TOML.
    #[error("the settings file {} is not valid TOML: {reason}", path.display())]
    Malformed {
        /// The file that was asked for.
        path: PathBuf,
        /// The place and what is wrong there, on one line.
        reason: String,
    },
    /// One or more settings are wrong; all of them are listed.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting's key, such as `http.listen`.
    pub key: String,
    /// Where the setting was given, such as `the environment variable REDEEMD_HTTP__LISTEN`.
    pub origin: String,
    /// What is wrong, with the value where it is known not to be secret, and what is accepted.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (from {}): {}", self.key, self.origin, self.detail)
    }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    match lines.as_slice() {
        [only] => format!("wrong setting: {only}"),
        _ => format!("{} wrong settings:\n  {}", lines.len(), lines.join("\n  ")),
    }
}
