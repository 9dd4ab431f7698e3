//! What may stand on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use redeemd_config::{LoadOptions, Settings};

use super::backup::Backup;
use super::completions::Completions;
use super::journal::JournalCommand;
use super::postgres::PostgresCommand;
use super::rebuild::Rebuild;
use super::remote::bench::Bench;
use super::remote::campaign::Campaign;
use super::remote::clock::Clock;
use super::remote::codes::Codes;
use super::remote::events::Events;
use super::remote::key::Key;
use super::remote::redemption::Redemption;
use super::remote::verify::Verify;
use super::restore::Restore;
use crate::client::Target;

/// redeemd issues codes by the million and redeems each exactly as often as its campaign allows.
#[derive(Debug, Parser)]
#[command(
    name = "redeemd",
    version = crate::build::VERSION_AND_COMMIT,
    about,
    after_help = "Examples:
  redeemd serve --data-dir /var/lib/redeemd --listen 127.0.0.1:8080
  redeemd campaign create --name Launch --server http://127.0.0.1:8080 --key-file admin.key

Exit codes: 0 done, 1 refused or failed, 2 wrong usage: the command line itself is wrong."
)]
pub struct Arguments {
    /// A TOML file with settings; see config/default.toml for all of them.
    #[arg(
        long,
        global = true,
        env = "REDEEMD_CONFIG",
        value_name = "FILE",
        help_heading = "Settings"
    )]
    pub config: Option<PathBuf>,

    /// Where everything is kept [setting data_dir].
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Settings")]
    pub data_dir: Option<PathBuf>,

    /// The address of the HTTP interface; port 0 picks a free one [setting http.listen].
    #[arg(long, global = true, value_name = "ADDRESS:PORT", help_heading = "Settings")]
    pub listen: Option<String>,

    /// Any other setting, such as `--set ledger.commit_interval_ms=250`; may be repeated.
    #[arg(
        long = "set",
        global = true,
        value_name = "KEY=VALUE",
        value_parser = key_and_value,
        help_heading = "Settings"
    )]
    pub set: Vec<(String, String)>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    ///
    /// Writes `listening http://…` to standard output when it is ready, and at the first start
    /// `admin-key rk_…`, once. Logs go to standard error. SIGTERM ends it gracefully; a second one
    /// ends it at once.
    #[command(after_help = "Example:\n  redeemd serve --listen 127.0.0.1:0 --data-dir ./data")]
    Serve(Serve),
    /// Show what redeemd does: redeem 20,000 codes from 64 clients, with the server killed half-way.
    Demo(Demo),
    /// Make, read and change campaigns on a running server.
    #[command(after_help = "Example:\n  redeemd campaign create --name Launch")]
    Campaign(Campaign),
    /// Issue, export and import codes; look up, revoke and restore single ones.
    #[command(
        after_help = "Example:\n  redeemd codes issue camp_… --count 1000 --output codes.csv"
    )]
    Codes(Codes),
    /// Make, list and revoke API keys on a running server.
    #[command(after_help = "Example:\n  redeemd key new --role redeemer --name 'shop back end'")]
    Key(Key),
    /// Look after single redemptions: show one, roll one back.
    #[command(
        after_help = "Example:\n  redeemd redemption rollback red_… --reason 'order cancelled'"
    )]
    Redemption(Redemption),
    /// Say that the clock of a server's machine is right after a leap.
    #[command(after_help = "Example:\n  redeemd clock believe")]
    Clock(Clock),
    /// Show what happened on a running server, and with --follow what happens.
    Events(Events),
    /// Put a running server under load, and report what it did.
    ///
    /// With --rate the load is an open loop: requests are due at fixed times, whatever the server
    /// does, and a latency counts from the time at which its request was due, so that a stall is not
    /// hidden. What cannot be sent in time is counted. Without --rate it is a closed loop: every
    /// connection sends its next request when it has its answer.
    ///
    /// Codes are redeemed for good, so load a server, or at least a campaign, that is there for it.
    /// The exit code is 0 if anything was carried out, whatever else was refused.
    Bench(Bench),
    /// Ask a server whether it may be sent traffic: exit code 0 if so, 1 if not.
    Health(Health),
    /// Look at the settings.
    #[command(subcommand, after_help = "Example:\n  redeemd config check")]
    Config(ConfigCommand),
    /// Look at the journal of a stopped server, salvage it, give it another engine.
    #[command(subcommand, after_help = "Example:\n  redeemd journal verify --data-dir ./data")]
    Journal(JournalCommand),
    /// Take a backup of a running server, or of a data directory that no server uses.
    Backup(Backup),
    /// Make a data directory out of a backup.
    Restore(Restore),
    /// Make a data directory again that was lost, out of what is in PostgreSQL.
    Rebuild(Rebuild),
    /// Compare a running server with the PostgreSQL database that its outcomes are copied to.
    Verify(Verify),
    /// Make the tables of the PostgreSQL database that outcomes are copied to.
    #[command(subcommand, after_help = "Example:\n  redeemd postgres migrate --dry-run")]
    Postgres(PostgresCommand),
    /// Write a script with which a shell completes this command line.
    #[command(after_help = "Examples:
  redeemd completions bash > /etc/bash_completion.d/redeemd
  redeemd completions zsh > ~/.zfunc/_redeemd
  redeemd completions fish > ~/.config/fish/completions/redeemd.fish")]
    Completions(Completions),
}

impl Command {
    /// The commands that talk to a running server, and so have no settings.
    pub(super) const OF_CLIENTS: [&str; 7] =
        ["campaign", "codes", "key", "redemption", "clock", "events", "bench"];

    /// Whether this is one of them.
    pub(super) fn is_of_clients(&self) -> bool {
        matches!(
            self,
            Self::Campaign(_)
                | Self::Codes(_)
                | Self::Key(_)
                | Self::Redemption(_)
                | Self::Clock(_)
                | Self::Events(_)
                | Self::Bench(_)
        )
    }
}

/// How the server runs, besides its settings.
#[derive(Clone, Copy, Debug, Args)]
pub struct Serve {
    /// End when standard input does. It keeps a program that starts a server from leaving it behind.
    #[arg(long, hide = true)]
    pub end_with_input: bool,
}

/// Whom to ask how it is.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  redeemd health --server http://127.0.0.1:8080\n\nWithout --server it asks where \
                  the settings say that health is served, so that it fits a container's health check. A \
                  server that is read-only, for instance since its disk is full or its clock leapt, \
                  may be sent traffic all the same: --json tells."
)]
pub struct Health {
    /// Where the server is.
    #[arg(long, env = "REDEEMD_SERVER", value_name = "URL")]
    pub server: Option<Target>,
    /// Print what the server says of each of its parts.
    #[arg(long)]
    pub json: bool,
}

/// How large the demonstration is.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  redeemd demo --codes 100000 --redemptions 20000 --clients 64")]
pub struct Demo {
    /// How many codes are issued.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    pub codes: u64,
    /// How many of them are redeemed. With fewer than a thousand it is over before the kill.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    pub redemptions: u64,
    /// How many clients do it at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub clients: u64,
    /// Keep the folder with the codes, the data directory and the server's log.
    #[arg(long)]
    pub keep: bool,
}

/// What can be done with the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings and show what is in force and where each came from.
    #[command(after_help = "Examples:
  redeemd config check --config /etc/redeemd.toml
  redeemd config check --json")]
    Check(Check),
}

/// How settings are shown.
#[derive(Clone, Copy, Debug, Args)]
pub struct Check {
    /// Write what a program can read: a JSON object with each setting's value and origin.
    #[arg(long)]
    pub json: bool,
}

impl Arguments {
    /// The names of the arguments that are settings.
    pub(super) const SETTINGS: [&str; 4] = ["config", "data_dir", "listen", "set"];

    /// Whether the command line itself gives a setting. (A file may be named by the environment.)
    pub(super) fn names_settings(&self) -> bool {
        self.data_dir.is_some() || self.listen.is_some() || !self.set.is_empty()
    }

    /// The settings that these arguments, the file and the environment give.
    ///
    /// # Errors
    /// When a setting is wrong; it is named.
    pub fn settings(&self) -> Result<Settings, redeemd_config::Error> {
        Settings::load(self.load_options())
    }

    /// Where the settings come from.
    pub fn load_options(&self) -> LoadOptions {
        let path = self.data_dir.as_ref().map(|path| path.to_string_lossy().into_owned());
        let flags = [("data_dir", path), ("http.listen", self.listen.clone())];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        LoadOptions {
            file: self.config.clone(),
            environment: std::env::vars_os().collect(),
            overrides: self.set.iter().cloned().chain(flags).collect(),
        }
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, such as http.workers=4".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_win_over_other_settings() {
        let arguments =
            ["redeemd", "serve", "--set", "http.listen=127.0.0.1:1", "--listen", "127.0.0.1:2"];
        let arguments = Arguments::parse_from(arguments);
        let last = arguments.load_options().overrides.pop();
        assert_eq!(last, Some(("http.listen".to_owned(), "127.0.0.1:2".to_owned())));
        assert!(Arguments::try_parse_from(["redeemd", "serve", "--set", "nonsense"]).is_err());
    }
}
