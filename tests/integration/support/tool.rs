//! The command line, run as a person would.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::Folder;

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; -1 where a signal ended it.
    pub(crate) code: i32,
    /// What it wrote to standard output.
    pub(crate) out: String,
    /// What it wrote to standard error.
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// Insists that it was done, and gives what it wrote.
    #[track_caller]
    pub(crate) fn done(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.out
    }

    /// As [`Ended::done`], as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        self.done();
        self.told()
    }

    /// The JSON that it wrote, whether it was done or not.
    #[track_caller]
    pub(crate) fn told(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Insists that it failed with this exit code, wrote no result, and said so on one line, to
    /// people or to programs, which has these words.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        let last = self.err.lines().last().unwrap_or_default();
        let is_told = ["redeemd: ", "{\"code\":"].iter().any(|begin| last.starts_with(begin));
        assert!(is_told && last.contains(words), "{words}: {self:?}");
    }

    /// Insists that it was refused or failed, with one line and no more that says so.
    #[track_caller]
    pub(crate) fn failed_with(&self, words: &str) {
        assert_eq!(self.code, 1, "{self:?}");
        assert!(self.err.contains(words), "{words}: {self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
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
