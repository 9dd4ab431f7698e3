//! The commands that people and their scripts run, as they run them: a process, its exit code, what
//! it says, and the files that it leaves.

mod balances;
mod bench;
mod campaigns;
mod codes;
mod connection;
mod events;
mod help;
mod import;
mod keys;
mod one_code;
mod proxy;
mod unheard;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::ADMIN_KEY;

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// Insists that it was done, and gives what it wrote.
    pub(crate) fn done(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.out
    }

    /// As [`Ran::done`], as JSON.
    fn json(&self) -> Value {
        serde_json::from_str(self.done()).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Insists that it failed with this exit code, wrote no result, and said so on one line, to
    /// people or to programs, which has these words.
    fn failed(&self, code: i32, words: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        let last = self.err.lines().last().unwrap_or_default();
        let is_told = ["redeemd: ", "{\"code\":"].iter().any(|begin| last.starts_with(begin));
        assert!(is_told && last.contains(words), "{words}: {self:?}");
    }
}

/// A command against a server, with the admin key.
fn redeemd(server: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redeemd"));
    command
        .env_clear()
        .env("REDEEMD_SERVER", format!("http://{server}"))
        .env("REDEEMD_API_KEY", ADMIN_KEY)
        .args(arguments);
    command
}

/// Runs a command against a server.
pub(crate) fn run(server: SocketAddr, arguments: &[&str]) -> Ran {
    finish(redeemd(server, arguments), "")
}

/// Runs a command that reads this.
fn finish(mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It need not read all of it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    assert!(!format!("{ran:?}").contains(ADMIN_KEY), "the key is nobody's business");
    ran
}
