//! `redeemd clock`: what is to be done about the clock of a server's machine.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::ConnectionArguments;
use super::details::text;
use super::session::say_as_it_came;
use crate::cli::progress::say;

const BELIEVE: &str = "/api/v1/clock/believe";

/// The clock of a server.
#[derive(Debug, Args)]
pub struct Clock {
    #[command(flatten)]
    connection: ConnectionArguments,
    #[command(subcommand)]
    command: ClockCommand,
}

/// What can be done about it.
#[derive(Debug, Subcommand)]
enum ClockCommand {
    /// Say that the clock is right, after a leap that made the server read-only.
    ///
    /// Look at the clock first: what expires by a wrong one has expired for ever. Where there was no
    /// leap, nothing changes.
    #[command(after_help = "Example:\n  redeemd clock believe")]
    Believe,
}

pub(in crate::cli) fn run(clock: &Clock) -> anyhow::Result<ExitCode> {
    let ClockCommand::Believe = clock.command;
    super::with_server(&clock.connection, |session| {
        let answer = session.post(BELIEVE, None)?;
        if session.json {
            say_as_it_came(&answer)?;
            return Ok(ExitCode::SUCCESS);
        }
        let believed = answer.json()?;
        let time = believed.get("time").map(text).unwrap_or_default();
        match believed.get("leapt").and_then(Value::as_bool) {
            Some(true) => {
                say(format_args!("the clock is believed, and the server goes on: {time}"))?
            }
            _ => say(format_args!("the clock had not leapt: {time}"))?,
        }
        Ok(ExitCode::SUCCESS)
    })
}
