//! What may stand behind `redeemd campaign`. What is to be sent is serialised as it stands here.

use clap::{Args, Subcommand, ValueEnum};
use serde::{Serialize, Serializer};

use crate::cli::remote::ConnectionArguments;
use crate::cli::remote::json::{self, Json};

/// Campaigns on a server.
#[derive(Debug, Args)]
pub struct Campaign {
    #[command(flatten)]
    pub(super) connection: ConnectionArguments,
    #[command(subcommand)]
    pub(super) command: CampaignCommand,
}

/// What can be done with campaigns.
#[derive(Debug, Subcommand)]
pub(super) enum CampaignCommand {
    /// Make a campaign.
    #[command(after_help = "Examples:
  redeemd campaign create --name Launch --reward '{\"gift\":\"tea\"}' --expires-at 2027-01-01T00:00:00Z
  redeemd campaign create --name Summer --pattern 'SUMMER-####-####' --uses-per-code unlimited
  redeemd campaign create --name Partner --codes imported --reward @reward.json
  redeemd campaign create --name Lunch --uses-per-user 1/day@Europe/Berlin --total-uses 10000
  redeemd campaign create --name Hours --window mon-fri,09:00-17:00@Europe/Berlin --window sat,22:00-02:00
  redeemd campaign create --name 'Gift cards' --balance 5000:EUR")]
    Create(Box<Create>),
    /// List campaigns, the newest first.
    #[command(after_help = "Example:\n  redeemd campaign list --limit 20")]
    List(List),
    /// Show a campaign.
    #[command(after_help = "Example:\n  redeemd campaign show camp_…")]
    Show(One),
    /// Change a campaign: what is not named stays, `none` clears.
    #[command(after_help = "Examples:
  redeemd campaign update camp_… --expires-at 2027-02-01T00:00:00Z
  redeemd campaign update camp_… --reward none --if-match '\"3\"'
  redeemd campaign update camp_… --uses-per-user 2 --total-uses unlimited --window none")]
    Update(Box<Update>),
    /// Pause a campaign: its codes are refused until it is resumed.
    #[command(after_help = "Example:\n  redeemd campaign pause camp_…")]
    Pause(One),
    /// Resume a campaign that was paused.
    #[command(after_help = "Example:\n  redeemd campaign resume camp_…")]
    Resume(One),
    /// Archive a campaign: its codes are refused for good.
    #[command(after_help = "Example:\n  redeemd campaign archive camp_…")]
    Archive(One),
}

/// A campaign to be made.
#[derive(Debug, Args, Serialize)]
pub(super) struct Create {
    /// What people call it.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    codes: CodesRules,
    #[command(flatten)]
    #[serde(flatten)]
    rules: Rules,
    /// What each code is worth at first, in minor units: 5000:EUR is fifty euros. Stays as it is.
    #[arg(long, value_name = "UNITS:CURRENCY", value_parser = json::balance)]
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<Json>,
}

/// How a campaign's codes are made.
#[derive(Debug, Args, Serialize)]
struct CodesRules {
    /// How its codes are made.
    #[arg(
        long = "codes",
        value_enum,
        value_name = "KIND",
        default_value = "sealed",
        default_value_if("pattern", clap::builder::ArgPredicate::IsPresent, "pattern")
    )]
    kind: Kind,
    /// What codes look like, with # for what is drawn, such as SUMMER-####-####.
    #[arg(long, required_if_eq("kind", "pattern"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    /// The characters that are drawn, where the usual ones will not do.
    #[arg(long, requires = "pattern")]
    #[serde(skip_serializing_if = "Option::is_none")]
    alphabet: Option<String>,
    /// Allow patterns with so few possible codes that they can be guessed.
    #[arg(long, requires = "pattern")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allow_guessable: bool,
}

/// How codes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// By the server, unguessable, 28 characters.
    Sealed,
    /// By the server, after a pattern.
    Pattern,
    /// By somebody else; see `redeemd codes import`.
    Imported,
}

/// What a campaign allows, and what it gives.
#[derive(Debug, Args, Serialize)]
struct Rules {
    /// When it begins (RFC 3339), such as 2026-12-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = json::text_or_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<Json>,
    /// When it ends (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = json::text_or_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Json>,
    /// How often each code may be redeemed, or `unlimited`. If nothing is said: once, or, where
    /// codes have a balance, until it is spent.
    #[arg(long, value_name = "N", value_parser = json::limit)]
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_per_code: Option<Json>,
    /// How often each user may redeem: N, N/day, N/week, N/month, or `unlimited`. Days begin at
    /// midnight of a time zone, UTC unless one is named: 1/day@Europe/Berlin.
    #[arg(long, value_name = "N[/PERIOD[@ZONE]]", value_parser = json::uses_per_user)]
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_per_user: Option<Json>,
    /// How often all codes together may be redeemed, or `unlimited`.
    #[arg(long, value_name = "N", value_parser = json::limit)]
    #[serde(skip_serializing_if = "Option::is_none")]
    total_uses: Option<Json>,
    /// In which hours of the week codes may be redeemed, such as mon-fri,09:00-17:00@Europe/Berlin
    /// or sat,22:00-02:00 (until Sunday, UTC). May be repeated; `none` is always.
    #[arg(long = "window", value_name = "DAYS,FROM-TO[@ZONE]", value_parser = json::window)]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "windows_or_null")]
    windows: Vec<Json>,
    /// What a redemption gives: a JSON object, or @FILE.
    #[arg(long, value_name = "JSON|@FILE", value_parser = json::object)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<Json>,
    /// What your own programs want to know of it: a JSON object, or @FILE.
    #[arg(long, value_name = "JSON|@FILE", value_parser = json::object)]
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Json>,
}

/// What is to be otherwise.
#[derive(Debug, Args, Serialize)]
pub(super) struct Update {
    /// Which campaign.
    #[arg(value_parser = json::identifier)]
    #[serde(skip)]
    pub(super) id: String,
    /// Only if nobody has changed it since: the version that `redeemd campaign show` named.
    #[arg(long, value_name = "ETAG", value_parser = json::header)]
    #[serde(skip)]
    pub(super) if_match: Option<String>,
    /// What people call it.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[command(flatten)]
    #[serde(flatten)]
    rules: Rules,
}

/// How much is listed.
#[derive(Debug, Args)]
pub(super) struct List {
    /// The most campaigns that are listed; all, if nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
}

/// One campaign.
#[derive(Debug, Args)]
pub(super) struct One {
    /// Which campaign.
    #[arg(value_parser = json::identifier)]
    pub(super) id: String,
}

/// `--window none` clears them.
fn windows_or_null<S: Serializer>(windows: &[Json], serializer: S) -> Result<S::Ok, S::Error> {
    match windows.iter().any(|window| window.get() == "null") {
        true => serializer.serialize_none(),
        false => windows.serialize(serializer),
    }
}
