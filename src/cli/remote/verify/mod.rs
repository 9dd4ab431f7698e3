//! `redeemd verify`: whether a running server and its database say the same.

mod counts;
mod differences;
mod fields;
mod portion;
mod said;
mod verification;

use std::process::ExitCode;

use clap::Args;

use super::ConnectionArguments;
use crate::application::comparison::{Comparison, Preference};
use crate::cli::Arguments;
use verification::Verification;

/// Which server is compared with which database.
///
/// Reads everything that happened on the server from the beginning, and compares it with every
/// outcome that the database has of it, and every outcome with the rows of all tables that it left,
/// column by column. Then the counts of the campaigns are compared. Every row that was changed, added
/// or removed by hand is a line. What is not copied yet is told as pending and is none. Changes
/// nothing; the exit code is 0 where both say the same, and 1 where they do not.
#[derive(Debug, Args)]
#[command(after_help = "\
The key must be one that may read events and campaigns: that of an admin or an auditor. The database is
the one that the setting postgres.url names; its user must be allowed to read all tables of the schema
redeemd. Where postgres.replica_url names a streaming replica of it, that is asked instead: how far it
is behind is said, and what it does not have yet is pending and no difference. Where it cannot be
asked, the primary is, and a line says so.

Examples:
  redeemd verify --against-postgres --config /etc/redeemd.toml --key-file admin.key
  redeemd verify --against-postgres --server http://127.0.0.1:8080 --json > differences.jsonl")]
pub struct Verify {
    #[command(flatten)]
    connection: ConnectionArguments,
    /// Compare with the database that postgres.url names. There is nothing else to compare with yet.
    #[arg(long, required = true)]
    against_postgres: bool,
    /// Ask the primary, though there is a replica (postgres.replica_url).
    #[arg(long)]
    primary: bool,
}

pub(in crate::cli) fn run(arguments: &Arguments, verify: &Verify) -> anyhow::Result<ExitCode> {
    super::with_server(&verify.connection, |session| {
        let preference = if verify.primary { Preference::Primary } else { Preference::Replica };
        let notice = Box::new(crate::cli::note);
        let comparison = Comparison::open(&arguments.settings()?, preference, notice)?;
        let mut verification = Verification::begin(comparison, session.json)?;
        verification.compare_events(session)?;
        verification.compare_the_rest()?;
        verification.compare_counts(session)?;
        verification.tell(session.json)
    })
}
