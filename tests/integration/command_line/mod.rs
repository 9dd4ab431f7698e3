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

use crate::support::{ADMIN_KEY, Ended, command};

/// A command against a server, with the admin key.
fn redeemd(server: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.env("REDEEMD_SERVER", format!("http://{server}")).env("REDEEMD_API_KEY", ADMIN_KEY);
    command
}

/// Runs a command against a server.
pub(crate) fn run(server: SocketAddr, arguments: &[&str]) -> Ended {
    finish(redeemd(server, arguments), "")
}

/// Runs a command that reads this.
fn finish(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It need not read all of it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert!(!format!("{ended:?}").contains(ADMIN_KEY), "the key is nobody's business");
    ended
}
