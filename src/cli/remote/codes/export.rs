//! `redeemd codes export`.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::arguments::Export;
use super::code_lines::CodeLines;
use super::output::{Output, receive, report};
use crate::cli::progress::{Grouped, Progress};
use crate::cli::remote::campaign;
use crate::cli::remote::session::Session;
use crate::client::Request;

/// The most codes that a server gives at once.
const MOST_AT_ONCE: u64 = 10_000_000;

pub(super) fn run(session: &mut Session, export: &Export) -> anyhow::Result<ExitCode> {
    let issued = issued(session, &export.campaign)?;
    let there = issued.saturating_sub(export.first_index);
    let count = export.count.unwrap_or(there);
    let output = Output::begin(&export.output)?;
    let format = export.output.format;
    let progress = Progress::begin("exporting codes", count);
    let mut lines = CodeLines::new(output, format.title(), &progress);
    // A campaign without codes is asked once as well, so that the server says what it thinks of it.
    loop {
        let first = export.first_index + lines.codes();
        let left = count.saturating_sub(lines.codes());
        let path = super::path(&export.campaign);
        let path = format!("{path}?first_index={first}&count={}", left.min(MOST_AT_ONCE));
        let request = Request::get(&path).accept(format.media_type());
        let before = lines.codes();
        receive(session, &request, &mut lines)?;
        if lines.codes() >= count || lines.codes() == before {
            break;
        }
    }
    let codes = lines.codes();
    lines.into_output().finish()?;
    progress.clear();
    let result = json!({
        "campaign_id": export.campaign,
        "first_index": export.first_index,
        "count": codes,
    });
    report(session, &export.output, &format!("wrote {} codes", Grouped(codes)), &result)?;
    Ok(ExitCode::SUCCESS)
}

/// How many codes a campaign has.
fn issued(session: &mut Session, id: &str) -> anyhow::Result<u64> {
    let campaign = session.get(&campaign::path(id))?.json()?;
    let issued = campaign.pointer("/counts/issued").and_then(Value::as_u64);
    issued.context("the server does not say how many codes the campaign has")
}
