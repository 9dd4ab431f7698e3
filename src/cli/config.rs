//! `redeemd config check`.

use std::process::ExitCode;

use redeemd_config::Settings;

use super::Arguments;
use super::arguments::ConfigCommand;

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub(super) fn run(arguments: &Arguments, command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check => print!("{}", Settings::describe(arguments.load_options())?),
    }
    Ok(ExitCode::SUCCESS)
}
