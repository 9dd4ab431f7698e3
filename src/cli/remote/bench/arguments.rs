//! What may stand behind `redeemd bench`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::cli::remote::ConnectionArguments;

/// A load on a running server.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("source").required(true).args(["codes", "issue"])),
    after_help = "Examples:
  redeemd bench --issue --connections 64 --duration 30
  redeemd bench --issue --rate 2000 --duration 60 --idempotency-keys
  redeemd bench --codes codes.csv --batch 1000 --connections 8 --json"
)]
pub struct Bench {
    #[command(flatten)]
    pub(super) connection: ConnectionArguments,
    /// Redeem the codes of this file: a code on each line, none redeemed so far; the title `code` is
    /// passed over.
    #[arg(long, value_name = "FILE")]
    pub(super) codes: Option<PathBuf>,
    /// Make a campaign named bench, issue its codes as they are needed, and archive it afterwards.
    /// Needs the key of an issuer or admin.
    #[arg(long)]
    pub(super) issue: bool,
    /// Open loop: how many requests are due each second.
    #[arg(long, value_name = "REQUESTS", value_parser = rate)]
    pub(super) rate: Option<f64>,
    /// How many connections there are, each with one request at a time.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    pub(super) connections: u16,
    /// How many threads drive them.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) threads: u16,
    /// For how long.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) duration: u64,
    /// Redeem in batches of so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) batch: Option<u16>,
    /// The part of the requests that only validate, from 0 to 1.
    #[arg(long, value_name = "PART", default_value_t = 0.0, value_parser = share, conflicts_with = "batch")]
    pub(super) validate_share: f64,
    /// Send an idempotency key with every redemption, as a careful client does.
    #[arg(long)]
    pub(super) idempotency_keys: bool,
    /// Open loop: how many requests may be overdue before the rest is not sent any more; a second's
    /// worth, if nothing is said.
    #[arg(long, value_name = "REQUESTS", requires = "rate", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(super) backlog: Option<u64>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.1..=10_000_000.0).contains(rate));
    rate.ok_or_else(|| "expected a number of requests a second, from 0.1 on".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}
