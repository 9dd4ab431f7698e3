//! `redeemd journal …`: looking at the write-ahead log of a data directory that no server uses.

mod convert;
mod dump;
mod entry_json;
mod line;
mod meter;
mod outcome_json;
mod rules_text;
mod salvage;
mod step_json;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Arguments;
use super::restore::Engine;
use crate::application::offline::Offline;

/// What can be done with a journal.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Read everything that a data directory has, and say whether it fits together.
    ///
    /// Snapshots, the ledger's log and the journal are read to their ends, every checksum and every
    /// chain is compared, the journal is replayed, and the ledger's outcomes are compared with what
    /// the replay leads to. Nothing is changed. A journal in sled is looked at in a copy beside the
    /// data directory, since sled writes when it opens: that needs as much room again.
    ///
    /// Exit code 0: a server would start from it with everything that it ever answered. 1: damaged.
    #[command(after_help = "Example:\n  redeemd journal verify --data-dir /var/lib/redeemd")]
    Verify(Verify),
    /// Write the entries of the journal as JSON, one a line.
    ///
    /// The journal has what came since the older of the two kept snapshots. Keys, digests of keys and
    /// codes are not shown: a sealed code is named by campaign and serial, a listed one by eight
    /// digits of its digest. Users, metadata and reasons are personal data and stay out as well,
    /// unless they are asked for.
    #[command(
        after_help = "Example:\n  redeemd journal dump --data-dir ./data --sequence shard-3 --from 100 --limit 20"
    )]
    Dump(Dump),
    /// Get a server running again whose journal is damaged, and say what that costs.
    ///
    /// Without --accept-loss it only says what would be done and lost, and changes nothing. Where
    /// snapshots have what the damage took away, it is left out and nothing is lost. Otherwise everything from the damage on is cut off, with the snapshots and
    /// outcomes that came of it. Everything that is taken away is kept aside in the data directory.
    /// Take a copy of the data directory first, and consider restoring a backup instead.
    #[command(after_help = "\
Examples:
  redeemd journal salvage --data-dir /var/lib/redeemd
  redeemd journal salvage --data-dir /var/lib/redeemd --accept-loss --lost lost.ndjson")]
    Salvage(Salvage),
    /// Give the journal another engine.
    ///
    /// The new journal is written beside the old one, read back, and then put in its place; it can be
    /// interrupted at any moment. It needs room for a second journal.
    #[command(after_help = "Example:\n  redeemd journal convert --data-dir ./data --to sled")]
    Convert(Convert),
}

/// How the result is written.
#[derive(Clone, Copy, Debug, Args)]
pub struct Verify {
    /// Write what a program can read: JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// Which entries.
#[derive(Clone, Debug, Args)]
pub struct Dump {
    /// Only this sequence: control, or a shard such as shard-3.
    #[arg(long, value_name = "NAME", value_parser = dump::sequence)]
    sequence: Option<redeemd_domain::sequence::SequenceId>,
    /// Only entries from this number on.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    from: u64,
    /// Only entries up to this number.
    #[arg(long, value_name = "NUMBER", default_value_t = u64::MAX, hide_default_value = true)]
    to: u64,
    /// No more than so many entries.
    #[arg(long, value_name = "COUNT", default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
    /// Show users, metadata and reasons, which are personal data.
    #[arg(long)]
    with_users: bool,
}

/// Whether it is done, and where the loss is written.
#[derive(Clone, Debug, Args)]
pub struct Salvage {
    /// Do it, and lose what it says.
    #[arg(long)]
    accept_loss: bool,
    /// Write the answered outcomes that are lost to this file, one a line, with their users.
    #[arg(long, value_name = "FILE")]
    lost: Option<std::path::PathBuf>,
    /// Write what a program can read: JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// To which engine.
#[derive(Clone, Copy, Debug, Args)]
pub struct Convert {
    /// What shall keep the journal.
    #[arg(long, value_enum)]
    to: Engine,
    /// Write what a program can read: JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, command: &JournalCommand) -> anyhow::Result<ExitCode> {
    let offline = Offline::open(&arguments.settings()?)?;
    match command {
        JournalCommand::Verify(verify) => verify::run(&offline, *verify),
        JournalCommand::Dump(dump) => dump::run(&offline, dump),
        JournalCommand::Salvage(salvage) => salvage::run(offline, salvage),
        JournalCommand::Convert(convert) => convert::run(offline, *convert),
    }
}
