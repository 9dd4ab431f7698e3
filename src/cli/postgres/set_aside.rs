//! `redeemd postgres set-aside`: outcomes that the database refused for their content.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use redeemd_config::Settings;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::postgres::Shown;
use serde_json::{Value, json};

use crate::application::projection_commands::{self, Outcome, kind_of};
use crate::cli::progress::say;
use crate::http::TimeText;

/// What can be done with outcomes that were set aside.
#[derive(Debug, Subcommand)]
pub enum SetAsideCommand {
    /// Show them, each with the reason that the database gave.
    #[command(after_help = "Examples:
  redeemd postgres set-aside list
  redeemd postgres set-aside list --json | jq -r .reason | sort | uniq -c")]
    List(List),
    /// Have the server try them again, and say what came of it.
    ///
    /// First remove what refuses them, such as a constraint of yours. The server that writes to the
    /// database does it, since it alone knows what became of an outcome in the meantime: it has to
    /// be running. Exit code 1 where one is refused again, or no server has tried it in time.
    #[command(after_help = "Examples:
  redeemd postgres set-aside retry --all
  redeemd postgres set-aside retry shard-003:1712 shard-005:88")]
    Retry(Retry),
}

/// How they are shown.
#[derive(Clone, Copy, Debug, Args)]
pub struct List {
    /// Write what a program can read: JSON on standard output, one outcome a line.
    #[arg(long)]
    json: bool,
}

/// Which are tried again.
#[derive(Clone, Debug, Args)]
pub struct Retry {
    /// Those of these entries, as `list` names them.
    #[arg(value_name = "ENTRY", value_parser = position, required_unless_present = "all")]
    entries: Vec<Position>,
    /// All of them.
    #[arg(long, conflicts_with = "entries")]
    all: bool,
    /// Wait so long for the server, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wait: u64,
    /// Write what a program can read: JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(settings: &Settings, command: &SetAsideCommand) -> anyhow::Result<ExitCode> {
    match command {
        SetAsideCommand::List(list) => show(settings, *list),
        SetAsideCommand::Retry(command) => retry(settings, command),
    }
}

fn show(settings: &Settings, list: List) -> anyhow::Result<ExitCode> {
    let (mut count, mut said) = (0_u64, Ok(()));
    projection_commands::set_aside(settings, |shown| {
        count += 1;
        if said.is_ok() {
            said = match list.json {
                true => say(format_args!("{}", as_json(shown))),
                false => say(format_args!("{}", as_line(shown))),
            };
        }
    })?;
    said?;
    if count == 0 && !list.json {
        say(format_args!("nothing is set aside"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn retry(settings: &Settings, command: &Retry) -> anyhow::Result<ExitCode> {
    let positions = (!command.all).then_some(command.entries.as_slice());
    let wait = Duration::from_secs(command.wait);
    let outcome = projection_commands::retry(settings, positions, wait)?;
    let Outcome { asked, refused, waiting } = &outcome;
    let arrived = asked.saturating_sub(refused.len() as u64 + waiting);
    let unknown = positions.map_or(0, |positions| (positions.len() as u64).saturating_sub(*asked));
    if command.json {
        let refused: Vec<Value> = refused.iter().map(as_json).collect();
        let result = json!({
            "arrived": arrived, "refused": refused, "waiting": waiting, "unknown": unknown,
        });
        say(format_args!("{result}"))?;
    } else {
        for shown in refused {
            say(format_args!("refused again: {}", as_line(shown)))?;
        }
        let counts = format!("{arrived} arrived, {} refused again", refused.len());
        match waiting {
            0 => say(format_args!("{counts}"))?,
            _ => say(format_args!(
                "{counts}, {waiting} not tried yet: is the server running, and does it reach the \
                 database?"
            ))?,
        }
        if unknown > 0 {
            say(format_args!("{unknown} of those named are not set aside"))?;
        }
    }
    let is_done = refused.is_empty() && *waiting == 0 && unknown == 0;
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_line(shown: &Shown) -> String {
    let Shown { position, at, reason, is_wanted, .. } = shown;
    let kind = kind_of(shown).map_or("unreadable", |kind| kind.name());
    let wanted = if *is_wanted { " (to be tried again)" } else { "" };
    // What the database says may quote what somebody wrote into it.
    let reason = reason.replace(char::is_control, " ");
    format!("{position}  {}  {kind}{wanted}  {reason}", TimeText(*at))
}

fn as_json(shown: &Shown) -> Value {
    json!({
        "entry": shown.position.to_string(),
        "happened_at": TimeText(shown.at).to_string(),
        "kind": kind_of(shown).map(|kind| kind.name()),
        "reason": shown.reason,
        "set_aside_at": TimeText(shown.set_aside_at).to_string(),
        "to_be_tried_again": shown.is_wanted,
    })
}

/// An entry as `list` names it.
fn position(text: &str) -> Result<Position, String> {
    let parse = || {
        let (sequence, number) = text.rsplit_once(':')?;
        let sequence = match sequence.strip_prefix("shard-") {
            Some(shard) => SequenceId::shard(shard.parse().ok().filter(|&it: &u16| it < 1_024)?),
            None => (sequence == "control").then_some(SequenceId::CONTROL)?,
        };
        let number = number.parse().ok().filter(|&number| number > 0)?;
        Some(Position { sequence, number })
    };
    parse().ok_or_else(|| "expected an entry, such as shard-003:1712 or control:9".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_named_as_they_are_shown() {
        for sequence in [SequenceId::CONTROL, SequenceId::shard(0), SequenceId::shard(1_023)] {
            let entry = Position { sequence, number: 17 };
            assert_eq!(position(&entry.to_string()), Ok(entry));
        }
        for wrong in ["", "17", "shard-003", "shard-1024:1", "shard-3:0", "shard:3", "control:-1"] {
            assert!(position(wrong).is_err(), "{wrong}");
        }
    }
}
