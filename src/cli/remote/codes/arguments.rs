//! What may stand behind `redeemd codes`. A code itself never may: it would stand in the list of
//! processes and in the shell's history.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::remote::ConnectionArguments;
use crate::cli::remote::json;

/// The most codes that a server issues at once.
const MOST_AT_ONCE: u64 = 10_000_000;

/// Codes on a server.
#[derive(Debug, Args)]
pub struct Codes {
    #[command(flatten)]
    pub(super) connection: ConnectionArguments,
    #[command(subcommand)]
    pub(super) command: CodesCommand,
}

/// What can be done with codes.
#[derive(Debug, Subcommand)]
pub(super) enum CodesCommand {
    /// Issue new codes of a campaign into a file, which is complete or absent.
    ///
    /// A broken connection is made again, and the same codes come again: no batch is issued twice.
    #[command(after_help = "Examples:
  redeemd codes issue camp_… --count 100000 --output codes.csv
  redeemd codes issue camp_… --count 3 --output -")]
    Issue(Issue),
    /// Write codes that were issued before into a file, which is complete or absent.
    ///
    /// As ndjson each code comes with its state and its uses.
    #[command(after_help = "Examples:
  redeemd codes export camp_… --output codes.csv
  redeemd codes export camp_… --first-index 5000 --count 100 --format ndjson --output -")]
    Export(Export),
    /// Import codes that were made elsewhere, from a file of any size.
    ///
    /// Importing the same file again imports nothing twice. A CSV file has one column, or a first
    /// line with names, one of which is `code` or given by --column; semicolons and tabs may stand
    /// for commas then.
    #[command(after_help = "Examples:
  redeemd codes import camp_… partner.csv
  redeemd codes import camp_… from-excel.csv --column 'Voucher code'
  zcat partner.csv.gz | redeemd codes import camp_… - --strict")]
    Import(Import),
    /// Look up a code, which is read from standard input or asked for.
    #[command(after_help = "Examples:
  redeemd codes lookup
  redeemd codes lookup --json < code.txt")]
    Lookup,
    /// Revoke a code, which is read from standard input or asked for: it is refused from then on.
    #[command(after_help = "Example:\n  redeemd codes revoke --reason 'leaked, ticket 4711'")]
    Revoke(Change),
    /// Restore a code that was revoked; it is read from standard input or asked for.
    #[command(after_help = "Example:\n  redeemd codes restore --reason 'revoked by mistake'")]
    Restore(Change),
    /// Make a code of a campaign with a balance worth more; it is read from standard input or asked
    /// for.
    #[command(
        after_help = "Example:\n  redeemd codes top-up --amount 1000 --reason 'bought at the till'"
    )]
    TopUp(TopUp),
}

/// Codes to be issued.
#[derive(Debug, Args)]
pub(super) struct Issue {
    /// Of which campaign.
    #[arg(value_parser = json::identifier)]
    pub(super) campaign: String,
    /// How many, at most 10,000,000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_AT_ONCE))]
    pub(super) count: u64,
    #[command(flatten)]
    pub(super) output: Output,
    /// A name for this batch: with the same one the same codes come again. One is made up otherwise.
    #[arg(long, value_name = "KEY", value_parser = json::header)]
    pub(super) idempotency_key: Option<String>,
}

/// Codes to be had again.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Of which campaign.
    #[arg(value_parser = json::identifier)]
    pub(super) campaign: String,
    /// From which index on, counted from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) first_index: u64,
    /// How many; all that follow, if nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Where codes go, and how they are written.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// The file, for its owner's eyes only; - is standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// How they are written.
    #[arg(long, value_enum, default_value = "csv")]
    pub(super) format: Format,
    /// Replace a file that exists.
    #[arg(long)]
    pub(super) force: bool,
}

/// Codes to be imported.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Into which campaign.
    #[arg(value_parser = json::identifier)]
    pub(super) campaign: String,
    /// A file with a code on each line; - is standard input.
    pub(super) file: PathBuf,
    /// How they are written; what the file's name says, if nothing is said, and csv otherwise.
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// The name of the column with the codes, as the first line of a CSV file has it.
    #[arg(long, value_name = "NAME")]
    pub(super) column: Option<String>,
    /// End with exit code 1 if a line is rejected, or its code belongs to another campaign. The
    /// others are imported all the same.
    #[arg(long)]
    pub(super) strict: bool,
}

/// A change of one code.
#[derive(Debug, Args)]
pub(super) struct Change {
    /// Why, for those who look it up later.
    #[arg(long)]
    pub(super) reason: String,
}

/// A code to be made worth more.
#[derive(Debug, Args)]
pub(super) struct TopUp {
    /// By how much, in minor units.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) amount: u64,
    /// Why, for those who look it up later.
    #[arg(long)]
    pub(super) reason: String,
}

/// How codes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A code on each line, under the title `code`.
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

impl Format {
    /// Its name in HTTP.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// The line above the codes, if there is one.
    pub(super) const fn title(self) -> Option<&'static [u8]> {
        match self {
            Self::Csv => Some(b"code"),
            Self::Ndjson => None,
        }
    }
}
