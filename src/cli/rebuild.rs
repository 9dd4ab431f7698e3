//! `redeemd rebuild`: a data directory that was lost, out of what is in PostgreSQL.

use std::io;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use redeemd_domain::timestamp::Timestamp;

use super::Arguments;
use super::progress::{Grouped, Progress, say};
use super::restore::{Engine, hexadecimal};
use crate::application::offline::{self, LostDirectory, Rebuilt};
use crate::http::{TimeText, parse_time};

/// How a lost data directory is made again.
///
/// Everything that the database has is read, compared with the digest that was written with it, and
/// judged once more. What the lost server had answered and not yet written there cannot be known:
/// without --accept-loss-after this says up to when everything is known, and makes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
The folder given by --data-dir must be empty or not there yet, and is complete or absent afterwards.

The secret is not in the database. Put the secret file of the lost server in its place (secret_file,
by default the data directory's name with .secret behind it) before you start a server.

Make certain that the lost server does not run any more: both would redeem the same codes. One that
still writes to the database is noticed, and nothing is made then.

Examples:
  redeemd rebuild --from-postgres --data-dir /var/lib/redeemd
  redeemd rebuild --from-postgres --accept-loss-after 2026-11-21T10:45:31.187Z")]
pub struct Rebuild {
    /// Rebuild it from the database that postgres.url names. There is no other way yet.
    #[arg(long, required = true)]
    from_postgres: bool,
    /// Accept that what was answered after this time is lost. It must not be later than the time up
    /// to which everything is known.
    #[arg(long, value_name = "TIME", value_parser = time)]
    accept_loss_after: Option<Timestamp>,
    /// What keeps the journal; by default what the settings say.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Write what a program can read: JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, command: &Rebuild) -> anyhow::Result<ExitCode> {
    super::with_json_errors(command.json, || {
        let settings = arguments.settings()?;
        let lost = LostDirectory::look(&settings)?;
        if !command.json {
            tell_known(&lost)?;
        }
        let until = TimeText(lost.known_until());
        let Some(accepted) = command.accept_loss_after else {
            return Err(anyhow!(
                "nothing was made: what was answered after {until} may be lost; accept that with \
                 --accept-loss-after {until}"
            ));
        };
        if accepted > lost.known_until() {
            return Err(anyhow!(
                "nothing was made: only what was answered up to {until} is known, so that more may \
                 be lost than --accept-loss-after {} accepts",
                TimeText(accepted)
            ));
        }
        let mut meter = Meter::default();
        let engine = command.engine.map(|engine| engine.setting().name());
        let rebuilt = lost.rebuild(accepted, engine, &mut meter);
        meter.end();
        let rebuilt = rebuilt?;
        let secret = settings.secret_file.display().to_string();
        match command.json {
            true => tell_program(&rebuilt, &until.to_string(), &secret)?,
            false => tell_people(&rebuilt, &secret)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn tell_known(lost: &LostDirectory) -> io::Result<()> {
    let shown =
        |time: Option<Timestamp>| time.map_or("none".to_owned(), |it| TimeText(it).to_string());
    for end in lost.ends() {
        say(format_args!(
            "{} is known up to entry {}, last outcome {}, written {}",
            end.sequence,
            Grouped(end.through),
            shown(end.last_outcome),
            shown(end.written_at)
        ))?;
    }
    let until = TimeText(lost.known_until());
    say(format_args!("Everything is known that was answered up to {until}."))
}

fn tell_people(rebuilt: &Rebuilt, secret: &str) -> io::Result<()> {
    let Rebuilt { path, engine, epoch, sequences } = rebuilt;
    say(format_args!("{}: rebuilt, journal in {engine}, epoch {epoch}", path.display()))?;
    for sequence in sequences {
        let state = hexadecimal(&sequence.state);
        say(format_args!(
            "  {} up to entry {} with {} outcomes, goes on after {}, state {state:.16}",
            sequence.sequence,
            Grouped(sequence.known),
            Grouped(sequence.outcomes),
            Grouped(sequence.last)
        ))?;
    }
    say(format_args!("Now put the secret of the lost server into {secret}."))
}

fn tell_program(rebuilt: &Rebuilt, known_until: &str, secret: &str) -> io::Result<()> {
    let sequence = |it: &offline::RebuiltSequence| {
        serde_json::json!({
            "sequence": it.sequence.to_string(),
            "known": it.known,
            "last": it.last,
            "outcomes": it.outcomes,
            "state": hexadecimal(&it.state),
        })
    };
    let text = serde_json::json!({
        "data_dir": rebuilt.path,
        "engine": rebuilt.engine,
        "epoch": rebuilt.epoch,
        "known_until": known_until,
        "secret_file": secret,
        "sequences": rebuilt.sequences.iter().map(sequence).collect::<Vec<_>>(),
    });
    say(format_args!("{text}"))
}

fn time(text: &str) -> Result<Timestamp, String> {
    parse_time(text).ok_or_else(|| "expected a time, such as 2026-11-21T10:45:31.187Z".to_owned())
}

/// Shows one thing after another, in entries.
#[derive(Default)]
struct Meter {
    bar: Option<Progress>,
    done: u64,
}

impl Meter {
    fn end(self) {
        if let Some(bar) = self.bar {
            bar.clear();
        }
    }
}

impl offline::Progress for Meter {
    fn begin(&mut self, what: &'static str, entries: u64) {
        if let Some(bar) = self.bar.replace(Progress::begin(what, entries)) {
            bar.clear();
        }
        self.done = 0;
    }

    fn advance(&mut self, entries: u64) {
        self.done += entries;
        if let Some(bar) = &self.bar {
            bar.set(self.done);
        }
    }
}
