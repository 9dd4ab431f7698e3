//! `redeemd codes import`.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::arguments::{Format, Import};
use super::import_warnings::Warnings;
use crate::cli::progress::{Grouped, Progress, say};
use crate::cli::remote::insisting::insist;
use crate::cli::remote::refused::Refused;
use crate::cli::remote::session::{Session, fresh_key, say_as_it_came};
use crate::client::{Answer, Request, Upload};

/// The most rejected lines that are named to people.
const MOST_NAMED: usize = 20;

pub(super) fn run(session: &mut Session, import: &Import) -> anyhow::Result<ExitCode> {
    let key = fresh_key()?;
    let mut path = format!("{}/import", super::path(&import.campaign));
    if let Some(column) = &import.column {
        path = format!("{path}?column={}", utf8_percent_encode(column, NON_ALPHANUMERIC));
    }
    let request = Request::post_upload(&path, format(import).media_type());
    let request = request.idempotency_key(Some(&key));
    let (answer, attempts) = if import.file == Path::new("-") {
        (from_standard_input(session, &request)?, 1)
    } else {
        from_file(session, &request, &import.file)?
    };
    let result = answer.json()?;
    let rejected = rejected_count(&result);
    let warnings = Warnings::of(&result, rejected, attempts);
    if session.json {
        say_as_it_came(&answer)?;
    } else {
        describe(&result, rejected)?;
    }
    if !session.json {
        warnings.tell();
    }
    Ok(if import.strict && warnings.is_serious() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn format(import: &Import) -> Format {
    let extension = import.file.extension().and_then(|extension| extension.to_str());
    let told = match extension {
        Some("ndjson" | "jsonl") => Format::Ndjson,
        _ => Format::Csv,
    };
    import.format.unwrap_or(told)
}

/// A file can be read again, so a broken connection is made again.
/// Says how often it was sent.
fn from_file(
    session: &mut Session,
    request: &Request<'_>,
    path: &Path,
) -> anyhow::Result<(Answer, u64)> {
    let unreadable = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    let about = file.metadata().with_context(unreadable)?;
    let length = about.is_file().then_some(about.len());
    let progress = Progress::bytes("importing codes", length);
    let client = &mut session.client;
    let mut attempts = 0;
    let answer = match length {
        None => {
            let mut input = Counting { input: &mut file, bytes: 0, progress: &progress };
            Refused::check(client.upload(request, Upload::new(&mut input, None))?)
        }
        Some(_) => insist(session.manner, || {
            attempts += 1;
            file.rewind().map_err(crate::client::Error::Input)?;
            let mut input = Counting { input: &mut file, bytes: 0, progress: &progress };
            client.upload(request, Upload::new(&mut input, length))
        }),
    };
    progress.clear();
    Ok((answer?, attempts))
}

fn from_standard_input(session: &mut Session, request: &Request<'_>) -> anyhow::Result<Answer> {
    let progress = Progress::bytes("importing codes", None);
    let mut input = io::stdin().lock();
    let mut input = Counting { input: &mut input, bytes: 0, progress: &progress };
    let answer = session.client.upload(request, Upload::new(&mut input, None));
    progress.clear();
    let answer = answer.context(
        "some codes may be imported; run the command again, since nothing is imported twice",
    );
    Refused::check(answer?)
}

/// What the server counted, where it lists only the first rejected lines.
fn rejected_count(result: &Value) -> u64 {
    let listed = result.get("rejected").and_then(Value::as_array).map_or(0, Vec::len) as u64;
    result.get("rejected_count").and_then(Value::as_u64).unwrap_or(listed).max(listed)
}

fn describe(result: &Value, rejected: u64) -> anyhow::Result<()> {
    let number = |name: &str| Grouped(result.get(name).and_then(Value::as_u64).unwrap_or(0));
    say(format_args!("imported    {:>12}", number("imported")))?;
    say(format_args!("duplicates  {:>12}", number("duplicates")))?;
    say(format_args!("rejected    {:>12}", Grouped(rejected)))?;
    let rows = result.get("rejected").and_then(Value::as_array);
    for row in rows.into_iter().flatten().take(MOST_NAMED) {
        let line = row.get("line").and_then(Value::as_u64).unwrap_or(0);
        let reason = row.get("reason").and_then(Value::as_str).unwrap_or("no reason given");
        say(format_args!("  line {line}: {}", reason.replace(char::is_control, " ")))?;
    }
    if rejected > MOST_NAMED as u64 {
        say(format_args!("  and {} more; --json lists more", rejected - MOST_NAMED as u64))?;
    }
    Ok(())
}

/// Counts the bytes that are read.
struct Counting<'a, R: ?Sized> {
    input: &'a mut R,
    bytes: u64,
    progress: &'a Progress,
}

impl<R: Read + ?Sized> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes += count as u64;
        self.progress.set(self.bytes);
        Ok(count)
    }
}
