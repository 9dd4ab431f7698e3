//! `redeemd journal salvage`.

use std::io::Write as _;
use std::process::ExitCode;

use super::Salvage;
use super::outcome_json::lost_outcome;
use crate::application::offline::{Offline, Plan, Way};
use crate::cli::new_file::{Existing, NewFile};
use crate::cli::progress::{Grouped, say};

pub(super) fn run(offline: Offline, command: &Salvage) -> anyhow::Result<ExitCode> {
    let mut lost = match &command.lost {
        Some(path) => Some(NewFile::begin(path, Existing::Keep)?),
        None => None,
    };
    let mut failure = None;
    let plan = offline.assess(&mut |outcome| {
        if let (Some(file), None) = (&mut lost, &failure) {
            let written = serde_json::to_writer(&mut *file, &lost_outcome(&outcome));
            let written = written.map_err(std::io::Error::from);
            failure = written.and_then(|()| file.write_all(b"\n")).err();
        }
    })?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    let Some(plan) = plan else {
        match command.json {
            true => say(format_args!("{{\"damaged\":false}}"))?,
            false => {
                say(format_args!("Journal and ledger are whole and fit; nothing is to be done."))?
            }
        }
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(file) = lost {
        file.finish()?;
    }
    if !command.json {
        tell(&plan)?;
    }
    let nothing_is_lost = plan.way != Way::CutOff;
    if !command.accept_loss {
        if command.json {
            say(format_args!("{}", json(&plan, None)))?;
        } else {
            say(format_args!("Nothing was changed. Run it again with --accept-loss to do it."))?;
        }
        return Ok(ExitCode::FAILURE);
    }
    let salvaged = offline.salvage(&plan)?;
    if command.json {
        say(format_args!("{}", json(&plan, Some(&salvaged.kept_aside))))?;
        return Ok(ExitCode::SUCCESS);
    }
    for name in &salvaged.kept_aside {
        say(format_args!("kept aside: {name}"))?;
    }
    let outcome = if nothing_is_lost { "nothing was lost" } else { "what is said above is lost" };
    say(format_args!("Done: {outcome}, and the directory was brought back as a server does."))?;
    Ok(ExitCode::SUCCESS)
}

fn tell(plan: &Plan) -> std::io::Result<()> {
    say(format_args!("damaged: {}", plan.reason))?;
    if plan.way == Way::RebuildLedger {
        return say(format_args!(
            "The journal has what the ledger lost, so the ledger can be cut off there and the rest \
             made anew. Nothing would be lost."
        ));
    }
    if plan.way == Way::LeaveOut {
        return say(format_args!(
            "Snapshots have what the damage took away, so it can be left out. Nothing that \
             anything else knows of would be lost."
        ));
    }
    say(format_args!("Everything from there on would be cut off. Lost would be:"))?;
    for lost in &plan.lost {
        say(format_args!(
            "  {}: entries {} to {}, and what cannot be read any more",
            lost.sequence,
            Grouped(lost.first),
            Grouped(lost.last)
        ))?;
    }
    if plan.lost.is_empty() {
        say(format_args!("  nothing that can still be read"))?;
    }
    say(format_args!(
        "{} outcomes that were answered are among them: codes that count as redeemed today could be \
         redeemed again. --lost FILE lists them.",
        Grouped(plan.lost_outcomes)
    ))
}

fn json(plan: &Plan, kept_aside: Option<&[String]>) -> serde_json::Value {
    let lost: Vec<_> = plan
        .lost
        .iter()
        .map(|lost| {
            let sequence = lost.sequence.to_string();
            serde_json::json!({ "sequence": sequence, "first": lost.first, "last": lost.last })
        })
        .collect();
    serde_json::json!({
        "damaged": true,
        "reason": plan.reason,
        "way": match plan.way {
            Way::LeaveOut => "leave_out",
            Way::CutOff => "cut_off",
            Way::RebuildLedger => "rebuild_ledger",
        },
        "lost_entries": lost,
        "lost_outcomes": plan.lost_outcomes,
        "done": kept_aside.is_some(),
        "kept_aside": kept_aside.unwrap_or_default(),
    })
}
