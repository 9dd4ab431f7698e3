//! The command line, run as a person would.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::Folder;

/// A command that has ended.
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// What it wrote to standard output.
    pub(crate) said: String,
    /// What it wrote to standard error.
    pub(crate) complained: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            said: String::from_utf8(output.stdout).unwrap(),
            complained: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Insists that it was done.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.said, self.complained);
        self
    }

    /// Insists that it was refused or failed, with one line that says so.
    #[track_caller]
    pub(crate) fn failed_with(self, words: &str) -> Self {
        assert_eq!(self.code, Some(1), "{}{}", self.said, self.complained);
        assert!(self.complained.contains(words), "{words}: {}", self.complained);
        assert_eq!(self.complained.lines().count(), 1, "{}", self.complained);
        self
    }

    /// The JSON on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.said).unwrap_or_else(|_| panic!("no JSON: {}", self.said))
    }
}

/// A command with nothing in its environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redeemd"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

/// Runs a command.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    Ended::of(command(arguments).output().unwrap())
}

impl Folder {
    /// Runs a command on the data directory that is here, with the settings of its server.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_on(&self.data(), arguments)
    }

    /// As [`Folder::run`], on another data directory.
    pub(crate) fn run_on(&self, data: &Path, arguments: &[&str]) -> Ended {
        let mut command = command(arguments);
        command.arg("--data-dir").arg(data);
        for (key, value) in self.settings() {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        Ended::of(command.output().unwrap())
    }
}
