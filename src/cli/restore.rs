//! `redeemd restore`: a data directory out of a backup.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use redeemd_config::JournalEngine;

use super::Arguments;
use super::progress::{Grouped, Progress, say};
use crate::application::offline::{Restored, restore};

/// Which backup, and where to.
#[derive(Debug, Args)]
#[command(after_help = "\
The folder given by --data-dir must be empty or not there yet. Nothing is in it before every checksum
of the backup was compared and the directory was brought back once, as a server does.

The secret is not in a backup. Put the secret file of the server that was backed up in its place
(secret_file, by default the data directory's name with .secret behind it) before you start a server.

Never run the restored server beside the one that was backed up: both would redeem the same codes.

Example:
  redeemd restore --input redeemd-2026-11-21.tar --data-dir /var/lib/redeemd-restored")]
pub struct Restore {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// What keeps the journal; by default what kept it before.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Write what a program can read: JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What can keep a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// Segment files.
    Segment,
    /// The embedded database sled.
    Sled,
}

impl Engine {
    /// The setting that means it.
    pub(super) fn setting(self) -> JournalEngine {
        match self {
            Self::Segment => JournalEngine::Segment,
            Self::Sled => JournalEngine::Sled,
        }
    }
}

pub(super) fn run(arguments: &Arguments, command: &Restore) -> anyhow::Result<ExitCode> {
    let settings = arguments.settings()?;
    let path = &command.input;
    let context = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(context)?;
    let bytes = file.metadata().with_context(context)?.len();
    let progress = Progress::bytes("restoring", Some(bytes));
    let mut input =
        Counted { input: BufReader::with_capacity(1 << 20, file), progress: &progress, bytes: 0 };
    let restored =
        restore(&settings, &mut input, command.engine.map(|engine| engine.setting().name()))
            .with_context(|| path.display().to_string())?;
    progress.clear();
    let secret = settings.secret_file.display();
    if command.json {
        let sequences: Vec<_> = restored
            .sequences
            .iter()
            .map(|sequence| {
                let (name, state) = (sequence.sequence.to_string(), hexadecimal(&sequence.state));
                serde_json::json!({ "sequence": name, "last": sequence.last, "state": state })
            })
            .collect();
        let text = serde_json::json!({
            "data_dir": restored.path,
            "engine": restored.engine,
            "epoch": restored.epoch,
            "taken_at_ms": restored.taken_at_ms,
            "secret_file": settings.secret_file,
            "sequences": sequences,
        });
        say(format_args!("{text}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    tell(&restored)?;
    say(format_args!("Now put the secret of the server that was backed up into {secret}."))?;
    Ok(ExitCode::SUCCESS)
}

fn tell(restored: &Restored) -> io::Result<()> {
    let Restored { path, engine, epoch, .. } = restored;
    say(format_args!("{}: restored, journal in {engine}, epoch {epoch}", path.display()))?;
    for sequence in &restored.sequences {
        let state = hexadecimal(&sequence.state);
        let last = Grouped(sequence.last);
        say(format_args!("  {} up to entry {last}, state {state:.16}", sequence.sequence))?;
    }
    Ok(())
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Shows how far it is.
struct Counted<'a, R> {
    input: R,
    progress: &'a Progress,
    bytes: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes += count as u64;
        self.progress.set(self.bytes);
        Ok(count)
    }
}
