//! `redeemd redemption`: looking after single redemptions.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::ConnectionArguments;
use super::details::details;
use super::json::identifier;
use super::session::{Session, say_as_it_came};
use crate::cli::progress::say;
use crate::client::Answer;

/// The order of the fields that people look for first.
const FIRST: [&str; 5] = ["id", "status", "user_id", "redeemed_at", "rolled_back_at"];

/// Redemptions on a server.
#[derive(Debug, Args)]
pub struct Redemption {
    #[command(flatten)]
    connection: ConnectionArguments,
    #[command(subcommand)]
    command: RedemptionCommand,
}

/// What can be done with redemptions.
#[derive(Debug, Subcommand)]
enum RedemptionCommand {
    /// Show a redemption, and whether it was rolled back.
    #[command(after_help = "Example:\n  redeemd redemption show red_…")]
    Show(Show),
    /// Roll a redemption back, so that its code may be used again; or give some of its money back.
    #[command(after_help = "Examples:
  redeemd redemption rollback red_… --reason 'order cancelled'
  redeemd redemption rollback red_… --reason 'one of two items returned' --amount 1200")]
    Rollback(Rollback),
}

/// A redemption to be shown.
#[derive(Debug, Args)]
struct Show {
    /// Which redemption, by its id.
    #[arg(value_parser = identifier)]
    id: String,
}

/// A redemption to be rolled back.
#[derive(Debug, Args)]
struct Rollback {
    /// Which redemption, by its id.
    #[arg(value_parser = identifier)]
    id: String,
    /// Why, for those who look it up later.
    #[arg(long)]
    reason: String,
    /// Give only so much of its money back, in minor units; its use stays.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    amount: Option<u64>,
}

pub(in crate::cli) fn run(redemption: &Redemption) -> anyhow::Result<ExitCode> {
    super::with_server(&redemption.connection, |session| {
        let answer = match &redemption.command {
            RedemptionCommand::Show(Show { id }) => session.get(&path(id))?,
            RedemptionCommand::Rollback(rollback) => roll_back(session, rollback)?,
        };
        match session.json {
            true => say_as_it_came(&answer)?,
            false => {
                let found: Value = answer.json()?;
                say(format_args!("{}", details(&found, &FIRST)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn roll_back(session: &mut Session, rollback: &Rollback) -> anyhow::Result<Answer> {
    let mut body = json!({ "reason": rollback.reason });
    if let (Some(amount), Some(fields)) = (rollback.amount, body.as_object_mut()) {
        fields.insert("amount".to_owned(), json!({ "minor_units": amount }));
    }
    session.post(&format!("{}/rollback", path(&rollback.id)), Some(&body.to_string()))
}

fn path(id: &str) -> String {
    format!("/api/v1/redemptions/{id}")
}
