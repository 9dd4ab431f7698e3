//! The command line.

mod arguments;
mod config;
mod demo;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

pub use arguments::{Arguments, Command};

/// Runs what the command line says. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Command::Serve(serve) => serve::run(&arguments, *serve),
        Command::Demo(demo) => demo::run(demo),
        Command::Config(command) => config::run(&arguments, command),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// One line on standard error: what, where, and what to do.
#[expect(clippy::print_stderr, reason = "this is what a command says when it fails")]
fn complain(error: &anyhow::Error) {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Most errors quote what caused them; nothing is to be said twice.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    eprintln!("redeemd: {text}");
}
