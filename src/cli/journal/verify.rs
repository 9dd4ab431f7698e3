//! `redeemd journal verify`.

use std::io;
use std::process::ExitCode;

use super::Verify;
use super::meter::Meter;
use crate::application::offline::{Offline, SequenceReport, Verification};
use crate::cli::progress::{Grouped, say};

pub(super) fn run(offline: &Offline, command: Verify) -> anyhow::Result<ExitCode> {
    let mut meter = Meter::default();
    let found = offline.verify(&mut meter);
    meter.end();
    let found = found?;
    if command.json {
        say(format_args!("{}", serde_json::to_string(&found)?))?;
    } else {
        tell(&found)?;
    }
    Ok(if found.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(found: &Verification) -> io::Result<()> {
    let Verification { directory, epoch, engine, .. } = found;
    say(format_args!("directory {directory}, epoch {epoch}, journal in {engine}"))?;
    let (blocks, bytes) = (Grouped(found.journal_blocks), Grouped(found.journal_bytes));
    say(format_args!("journal: {blocks} blocks, {bytes} bytes"))?;
    if found.journal_torn_bytes > 0 {
        let torn = Grouped(found.journal_torn_bytes);
        say(format_args!("  and {torn} bytes of a block that was never acknowledged"))?;
    }
    let (records, files) = (Grouped(found.ledger_records), found.ledger_files);
    let bytes = Grouped(found.ledger_bytes);
    say(format_args!("ledger: {records} outcomes, {bytes} bytes in {files} files"))?;
    say(format_args!(
        "{:<10} {:>14} {:>14} {:>10} {:>14} {:>14}  newest snapshot",
        "sequence", "first entry", "last entry", "frames", "bytes", "ledger up to"
    ))?;
    found.sequences.iter().try_for_each(row)?;
    for warning in &found.warnings {
        say(format_args!("warning: {warning}"))?;
    }
    for problem in &found.problems {
        say(format_args!("DAMAGED: {problem}"))?;
    }
    match (found.healthy, found.warnings.is_empty()) {
        (true, true) => say(format_args!("Everything reads and fits together.")),
        (true, false) => say(format_args!(
            "Nothing is lost: a server starts from it. What the warnings name it puts right itself."
        )),
        (false, _) => say(format_args!("Nothing was changed.")),
    }
}

fn row(sequence: &SequenceReport) -> io::Result<()> {
    let SequenceReport { sequence: name, first, last, frames, bytes, ledger, .. } = sequence;
    let snapshot = match sequence.snapshots.first() {
        Some(number) => Grouped(*number).to_string(),
        None => "none".to_owned(),
    };
    say(format_args!(
        "{name:<10} {:>14} {:>14} {:>10} {:>14} {:>14}  {snapshot}",
        Grouped(*first),
        Grouped(*last),
        Grouped(*frames),
        Grouped(*bytes),
        Grouped(*ledger),
    ))
}
