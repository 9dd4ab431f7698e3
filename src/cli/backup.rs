//! `redeemd backup`: everything but the secret in one file, from a running server or from a data
//! directory that no server uses.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use redeemd_persistence::backup::{Checked, check};

use super::Arguments;
use super::new_file::{Existing, NewFile};
use super::progress::{Grouped, Progress, say};
use super::remote::{self, connection::ConnectionArguments};
use crate::application::offline::Offline;

/// Where a backup comes from and where it goes.
#[derive(Debug, Args)]
#[command(after_help = "\
THE SECRET IS NOT IN THE BACKUP. Keep a copy of the server's secret (secret_file, by default the data
directory's name with .secret behind it) in another place: without it nobody can use the backup.

The backup has every answer that was given before it began, though the server goes on meanwhile. It
needs a key with the role admin. It holds users and metadata: keep it as safe as the server.

With --data-dir the backup is taken of a directory that no server uses.

Examples:
  redeemd backup --output redeemd-2026-11-21.tar --key-file admin.key
  redeemd backup --data-dir /var/lib/redeemd --output redeemd-2026-11-21.tar")]
pub struct Backup {
    /// The file that is written. It is complete or absent.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

pub(super) fn run(arguments: &Arguments, backup: &Backup) -> anyhow::Result<ExitCode> {
    let existing = if backup.force { Existing::Replace } else { Existing::Keep };
    let mut file = NewFile::begin(&backup.output, existing)?;
    let mut output =
        Counted { file: &mut file, progress: Progress::bytes("taking a backup", None), bytes: 0 };
    let taken = match arguments.data_dir {
        Some(_) => from_directory(arguments, &mut output),
        None => remote::backup::take(&backup.connection, &mut output),
    };
    output.progress.clear();
    if taken? != ExitCode::SUCCESS {
        return Ok(ExitCode::FAILURE);
    }
    // What counts is what a reader finds, so it is read again before it gets its name.
    let checked = check_part(&mut file)?;
    file.finish()?;
    tell(backup, &checked)?;
    Ok(ExitCode::SUCCESS)
}

fn from_directory(arguments: &Arguments, output: &mut dyn Write) -> anyhow::Result<ExitCode> {
    Offline::open(&arguments.settings()?)?.back_up(output)?;
    Ok(ExitCode::SUCCESS)
}

fn check_part(file: &mut NewFile) -> anyhow::Result<Checked> {
    file.flush()?;
    let progress = Progress::bytes("checking it", None);
    let input = File::open(file.part())?;
    let checked = check(BufReader::with_capacity(1 << 20, input))?;
    progress.clear();
    Ok(checked)
}

fn tell(backup: &Backup, checked: &Checked) -> anyhow::Result<()> {
    if backup.connection.json {
        let text = serde_json::json!({
            "output": backup.output,
            "bytes": checked.bytes,
            "directory": checked.description.directory,
            "taken_at_ms": checked.description.taken_at_ms,
            "sequences": checked.manifest.sequences,
        });
        return Ok(say(format_args!("{text}"))?);
    }
    let (path, entries) = (display(&backup.output), checked.manifest.entries.len());
    say(format_args!(
        "{path}: {} bytes in {entries} entries, every checksum compared",
        Grouped(checked.bytes)
    ))?;
    for end in &checked.manifest.sequences {
        say(format_args!("  {:<10} up to entry {}", end.name, Grouped(end.last)))?;
    }
    let reminder = "The secret is not in it: keep the secret file, or this backup is of no use.";
    Ok(say(format_args!("{reminder}"))?)
}

fn display(path: &Path) -> impl std::fmt::Display + '_ {
    path.display()
}

/// Shows how far it is.
struct Counted<'a> {
    file: &'a mut NewFile,
    progress: Progress,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.bytes += count as u64;
        self.progress.set(self.bytes);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
