//! The command line.

mod arguments;
mod backup;
mod completions;
mod config;
mod demo;
mod file_limit;
mod health;
mod journal;
mod new_file;
mod postgres;
mod progress;
mod rebuild;
mod remote;
mod restore;
mod serve;

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

pub use arguments::{Arguments, Command};

/// The command line asks for something that cannot be done, which only shows when it is read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// The exit code where the command line itself is wrong, as `clap` has it.
const WRONG_USAGE: u8 = 2;

/// Runs what the command line says. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
pub fn run() -> ExitCode {
    let arguments = Arguments::from_arg_matches(&command().get_matches());
    let arguments = arguments.unwrap_or_else(|error| error.exit());
    file_limit::becomes_an_error();
    match carry_out(&arguments) {
        Ok(code) => code,
        Err(error) => {
            if !is_unheard(&error) {
                note(&format!("redeemd: {}", line_of(&error)));
            }
            exit_code(&error)
        }
    }
}

/// Does something whose errors a program may read: as a JSON object on standard error then.
fn with_json_errors(
    is_json: bool,
    work: impl FnOnce() -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    match work() {
        Err(error) if is_json && !is_unheard(&error) => {
            let code = if error.is::<Usage>() { "wrong_usage" } else { "failed" };
            let document = serde_json::json!({ "code": code, "detail": line_of(&error) });
            note(&document.to_string());
            Ok(exit_code(&error))
        }
        done => done,
    }
}

/// Whether somebody who was to read the result went away, as `head` does. There is nobody to tell.
fn is_unheard(error: &anyhow::Error) -> bool {
    let reason = error.downcast_ref::<io::Error>();
    error.chain().len() == 1
        && reason.is_some_and(|reason| reason.kind() == io::ErrorKind::BrokenPipe)
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<Usage>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
}

/// The whole command line, as it is parsed, shown and completed.
pub fn command() -> clap::Command {
    let mut command = Arguments::command();
    // What is global stands in every command's help; the settings say nothing to those that talk to
    // a running server.
    command.build();
    for name in Command::OF_CLIENTS {
        command = command.mut_subcommand(name, without_settings);
    }
    command
}

fn carry_out(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.command.is_of_clients() && arguments.names_settings() {
        let reason = "this command talks to a running server, whose settings are not given here";
        return Err(Usage(format!("{reason}; see --server")).into());
    }
    match &arguments.command {
        Command::Serve(serve) => serve::run(arguments, *serve),
        Command::Demo(demo) => demo::run(demo),
        Command::Campaign(campaign) => remote::campaign::run(campaign),
        Command::Codes(codes) => remote::codes::run(codes),
        Command::Key(key) => remote::key::run(key),
        Command::Redemption(redemption) => remote::redemption::run(redemption),
        Command::Clock(clock) => remote::clock::run(clock),
        Command::Events(events) => remote::events::run(events),
        Command::Bench(bench) => remote::bench::run(bench),
        Command::Health(health) => health::run(arguments, health),
        Command::Config(command) => config::run(arguments, command),
        Command::Journal(command) => journal::run(arguments, command),
        Command::Backup(command) => backup::run(arguments, command),
        Command::Restore(command) => restore::run(arguments, command),
        Command::Rebuild(command) => rebuild::run(arguments, command),
        Command::Verify(command) => remote::verify::run(arguments, command),
        Command::Postgres(command) => postgres::run(arguments, command),
        Command::Completions(completions) => completions::run(*completions),
    }
}

/// Hides the settings in a command's help, and in that of every command within it.
fn without_settings(command: clap::Command) -> clap::Command {
    let hide = |argument: clap::Arg| {
        let is_setting = Arguments::SETTINGS.contains(&argument.get_id().as_str());
        if is_setting { argument.hide(true) } else { argument }
    };
    command.mut_args(hide).mut_subcommands(without_settings)
}

/// Writes a line to standard error.
#[expect(clippy::print_stderr, reason = "this is what a command says beside its result")]
fn note(line: &str) {
    eprintln!("{line}");
}

/// An error in one line: what, where, and what to do.
fn line_of(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Most errors quote what caused them; nothing is to be said twice.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
