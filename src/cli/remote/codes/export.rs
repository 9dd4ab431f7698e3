//! `redeemd codes export`.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::arguments::Export;
use super::code_lines::CodeLines;
use super::output::{Output, receive, report};
use super::pieces::Pieces;
use crate::cli::progress::Progress;
use crate::cli::remote::campaign;
use crate::cli::remote::session::Session;
use crate::client::Request;

pub(super) fn run(session: &mut Session, export: &Export) -> anyhow::Result<ExitCode> {
    let issued = issued(session, &export.campaign)?;
    let expected = export.count.unwrap_or(issued.saturating_sub(export.first_index));
    let output = Output::begin(&export.output)?;
    let format = export.output.format;
    let progress = Progress::begin("exporting codes", expected);
    let mut lines = CodeLines::new(output, format.title(), &progress);
    let mut pieces = Pieces::new(export.first_index, export.count);
    while let Some(query) = pieces.query() {
        let path = format!("{}?{query}", super::path(&export.campaign));
        let request = Request::get(&path).accept(format.media_type());
        let before = lines.codes();
        let answer = receive(session, &request, &mut lines)?;
        let next = answer.number("Redeemd-Next-Index");
        let next = next.context("the server does not say where the codes go on")?;
        pieces.took(lines.codes() - before, next);
    }
    let codes = lines.codes();
    lines.into_output().finish()?;
    progress.clear();
    let result = json!({
        "campaign_id": export.campaign,
        "first_index": export.first_index,
        "count": codes,
    });
    report(session, &export.output, &format!("wrote {}", super::counted(codes)), &result)?;
    Ok(ExitCode::SUCCESS)
}

/// How many codes a campaign has.
fn issued(session: &mut Session, id: &str) -> anyhow::Result<u64> {
    let campaign = session.get(&campaign::path(id))?.json()?;
    let issued = campaign.pointer("/counts/issued").and_then(Value::as_u64);
    issued.context("the server does not say how many codes the campaign has")
}
