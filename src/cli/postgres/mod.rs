//! `redeemd postgres`: the database of the projection.

mod set_aside;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use redeemd_config::Settings;

use self::set_aside::SetAsideCommand;
use super::Arguments;
use super::progress::say;
use crate::application::projection_commands::{migrate, migration_sql};

/// What can be done with the database that outcomes are copied to.
#[derive(Debug, Subcommand)]
pub enum PostgresCommand {
    /// Make the tables, or bring those of an older version to this one.
    ///
    /// The server does so itself, unless postgres.migrate is false. Several at once do no harm: one
    /// works and the others wait. A database of a newer version is refused.
    #[command(after_help = "Examples:
  redeemd postgres migrate --dry-run
  redeemd postgres migrate --config /etc/redeemd.toml")]
    Migrate(Migrate),
    /// Look after outcomes that the database refused for their content.
    #[command(subcommand, after_help = "Example:\n  redeemd postgres set-aside list")]
    SetAside(SetAsideCommand),
}

/// How the tables are made.
#[derive(Clone, Copy, Debug, Args)]
pub struct Migrate {
    /// Print the SQL that would be carried out, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write what a program can read: JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, command: &PostgresCommand) -> anyhow::Result<ExitCode> {
    let settings = arguments.settings()?;
    match command {
        PostgresCommand::Migrate(command) => run_migration(&settings, *command),
        PostgresCommand::SetAside(command) => set_aside::run(&settings, command),
    }
}

fn run_migration(settings: &Settings, command: Migrate) -> anyhow::Result<ExitCode> {
    if command.dry_run {
        let sql = migration_sql(settings)?;
        match (command.json, sql.is_empty()) {
            (true, _) => say(format_args!("{}", serde_json::json!({ "sql": sql })))?,
            (false, true) => say(format_args!("-- nothing is to be done"))?,
            (false, false) => say(format_args!("{}", sql.trim_end()))?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let migrated = migrate(settings)?;
    let (from, to) = (migrated.from, migrated.to);
    if command.json {
        say(format_args!("{}", serde_json::json!({ "from": from, "to": to })))?;
    } else if from == to {
        say(format_args!("the database has version {to} already"))?;
    } else {
        say(format_args!("the database was brought from version {from} to version {to}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
