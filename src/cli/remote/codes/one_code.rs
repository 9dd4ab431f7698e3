//! `redeemd codes lookup`, `revoke`, `restore` and `top-up`: one code, which nobody else shall see.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::process::ExitCode;

use console::Term;
use serde_json::{Value, json};

use super::arguments::{Change, TopUp};
use crate::cli::Usage;
use crate::cli::progress::say;
use crate::cli::remote::details::details;
use crate::cli::remote::insisting::insist;
use crate::cli::remote::session::{Session, say_as_it_came};
use crate::client::{Answer, Request};

/// The most that is read of standard input, in bytes. Codes are far shorter.
const LONGEST_LINE: u64 = 4096;

/// The order of the fields that people look for first.
const FIRST: [&str; 9] = [
    "state",
    "code_hint",
    "campaign.id",
    "campaign.name",
    "campaign.status",
    "uses",
    "uses_left",
    "balance_left",
    "holds",
];

pub(super) fn look_up(session: &mut Session) -> anyhow::Result<ExitCode> {
    let body = json!({ "code": read()? });
    // It only reads, so it may be sent twice though it is a POST.
    let body = body.to_string();
    let request = Request::post("/api/v1/codes/lookup", &body);
    let answer = insist(session.manner, || session.client.send(&request))?;
    write(session, &answer)
}

pub(super) fn revoke(session: &mut Session, change: &Change) -> anyhow::Result<ExitCode> {
    act(session, "/api/v1/codes/revoke", change)
}

pub(super) fn restore(session: &mut Session, change: &Change) -> anyhow::Result<ExitCode> {
    act(session, "/api/v1/codes/restore", change)
}

pub(super) fn top_up(session: &mut Session, top_up: &TopUp) -> anyhow::Result<ExitCode> {
    let TopUp { amount, reason } = top_up;
    let body = json!({ "code": read()?, "amount": { "minor_units": amount }, "reason": reason });
    let answer = session.post("/api/v1/codes/top-up", Some(&body.to_string()))?;
    write(session, &answer)
}

fn act(session: &mut Session, path: &str, change: &Change) -> anyhow::Result<ExitCode> {
    let body = json!({ "code": read()?, "reason": change.reason });
    let answer = session.post(path, Some(&body.to_string()))?;
    write(session, &answer)
}

fn write(session: &Session, answer: &Answer) -> anyhow::Result<ExitCode> {
    match session.json {
        true => say_as_it_came(answer)?,
        false => {
            let found: Value = answer.json()?;
            say(format_args!("{}", details(&found, &FIRST)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The code: typed in unseen, or the first line of standard input.
fn read() -> anyhow::Result<String> {
    let line = if io::stdin().is_terminal() {
        let terminal = Term::stderr();
        terminal.write_str("Code (not shown): ")?;
        terminal.read_secure_line()?
    } else {
        let mut line = String::new();
        let mut input = io::stdin().lock().take(LONGEST_LINE);
        input.read_line(&mut line).map_err(|error| Usage(format!("standard input: {error}")))?;
        line
    };
    match line.trim() {
        "" => Err(Usage("no code was given: it is read from standard input".to_owned()).into()),
        code => Ok(code.to_owned()),
    }
}
