//! `redeemd journal convert`.

use std::process::ExitCode;

use super::Convert;
use super::meter::Meter;
use crate::application::offline::Offline;
use crate::cli::progress::{Grouped, say};

pub(super) fn run(offline: Offline, command: Convert) -> anyhow::Result<ExitCode> {
    let mut meter = Meter::default();
    let converted = offline.convert(command.to.setting(), &mut meter);
    meter.end();
    let converted = converted?;
    let (from, to) = (&converted.from, &converted.to);
    if command.json {
        let text = serde_json::json!({
            "from": from,
            "to": to,
            "blocks": converted.journal.blocks,
            "bytes": converted.journal.bytes,
        });
        say(format_args!("{text}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (blocks, bytes) = (Grouped(converted.journal.blocks), Grouped(converted.journal.bytes));
    say(format_args!(
        "{blocks} blocks, {bytes} bytes: from {from} to {to}, read back and in place"
    ))?;
    say(format_args!(
        "The data directory knows its engine. Set journal.engine = \"{to}\" all the same, so that \
         the settings say what is so."
    ))?;
    Ok(ExitCode::SUCCESS)
}
