//! `redeemd codes issue`.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::arguments::Issue;
use super::code_lines::CodeLines;
use super::output::{Output, receive, report};
use crate::cli::progress::Progress;
use crate::cli::remote::refused::Refused;
use crate::cli::remote::session::{Session, fresh_key};
use crate::client::{Answer, Request};

pub(super) fn run(session: &mut Session, issue: &Issue) -> anyhow::Result<ExitCode> {
    let key = match &issue.idempotency_key {
        Some(key) => key.clone(),
        None => fresh_key()?,
    };
    // Before anything is issued: a file that cannot be had must not cost a batch.
    let output = Output::begin(&issue.output)?;
    let answer = receive_all(session, issue, &key, output).map_err(|error| {
        if error.is::<Refused>() {
            return error;
        }
        // Codes that exist and that nobody has are money lost.
        error.context(format!(
            "the codes may have been issued; the same command with `--idempotency-key {key}` gives \
             the same ones"
        ))
    })?;
    let first = answer.number("Redeemd-First-Index");
    let codes = super::counted(issue.count);
    let done = match answer.is_replayed() {
        true => format!("wrote {codes}, which this key had issued before,"),
        false => format!("issued {codes}"),
    };
    let result = json!({
        "campaign_id": issue.campaign,
        "first_index": first,
        "count": issue.count,
        "replayed": answer.is_replayed(),
        "idempotency_key": key,
    });
    report(session, &issue.output, &done, &result)?;
    Ok(ExitCode::SUCCESS)
}

fn receive_all(
    session: &mut Session,
    issue: &Issue,
    key: &str,
    output: Output,
) -> anyhow::Result<Answer> {
    let format = issue.output.format;
    let progress = Progress::begin("issuing codes", issue.count);
    let mut lines = CodeLines::new(output, format.title(), &progress);
    let (path, body) = (super::path(&issue.campaign), json!({ "count": issue.count }).to_string());
    let request = Request::post(&path, &body).accept(format.media_type());
    let answer = receive(session, &request.idempotency_key(Some(key)), &mut lines)?;
    let came = lines.codes();
    ensure!(came == issue.count, "{came} codes came instead of {}", issue.count);
    lines.into_output().finish().context("the codes are not kept")?;
    progress.clear();
    Ok(answer)
}
