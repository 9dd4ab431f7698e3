//! `redeemd campaign`: making, reading and changing campaigns.

mod arguments;

use std::process::ExitCode;

use serde_json::Value;

pub(in crate::cli) use arguments::Campaign;
use arguments::{CampaignCommand, Create, List, One, Update};

use super::details::{details, text};
use super::pages;
use super::session::{Session, say_as_it_came};
use super::table::{Side, Table};
use crate::cli::Usage;
use crate::cli::progress::say;
use crate::client::{Answer, Request};

const CAMPAIGNS: &str = "/api/v1/campaigns";

/// The order of the fields that people look for first.
const FIRST: [&str; 10] = [
    "id",
    "name",
    "status",
    "codes.kind",
    "created_at",
    "starts_at",
    "expires_at",
    "uses_per_code",
    "counts.issued",
    "counts.redeemed",
];

pub(in crate::cli) fn run(campaign: &Campaign) -> anyhow::Result<ExitCode> {
    super::with_server(&campaign.connection, |session| {
        match &campaign.command {
            CampaignCommand::Create(create) => make(session, create),
            CampaignCommand::List(arguments) => list(session, arguments),
            CampaignCommand::Show(one) => show(session, one),
            CampaignCommand::Update(update) => change(session, update),
            CampaignCommand::Pause(one) => act(session, one, "pause"),
            CampaignCommand::Resume(one) => act(session, one, "resume"),
            CampaignCommand::Archive(one) => act(session, one, "archive"),
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Where a campaign is.
pub(super) fn path(id: &str) -> String {
    format!("{CAMPAIGNS}/{id}")
}

fn make(session: &mut Session, create: &Create) -> anyhow::Result<()> {
    let answer = session.post(CAMPAIGNS, Some(&serde_json::to_string(create)?))?;
    write(session, &answer)
}

fn list(session: &mut Session, list: &List) -> anyhow::Result<()> {
    if session.json {
        return pages::visit(session, CAMPAIGNS, list.limit, |campaign| {
            Ok(say(format_args!("{campaign}"))?)
        });
    }
    let mut table = Table::new(&[
        ("ID", Side::Left),
        ("STATUS", Side::Left),
        ("CODES", Side::Left),
        ("ISSUED", Side::Right),
        ("REDEEMED", Side::Right),
        ("REVOKED", Side::Right),
        ("NAME", Side::Left),
    ]);
    pages::visit(session, CAMPAIGNS, list.limit, |campaign| {
        let campaign: Value = serde_json::from_str(campaign.get())?;
        let places = [
            "/id",
            "/status",
            "/codes/kind",
            "/counts/issued",
            "/counts/redeemed",
            "/counts/revoked",
            "/name",
        ];
        table.row(places.map(|place| campaign.pointer(place).map(text).unwrap_or_default()));
        Ok(())
    })?;
    Ok(say(format_args!("{table}"))?)
}

fn show(session: &mut Session, one: &One) -> anyhow::Result<()> {
    let answer = session.get(&path(&one.id))?;
    write(session, &answer)
}

fn change(session: &mut Session, update: &Update) -> anyhow::Result<()> {
    let body = serde_json::to_string(update)?;
    if body == "{}" {
        return Err(Usage("nothing to change: name at least one field".to_owned()).into());
    }
    let path = path(&update.id);
    let mut request = Request::patch(&path, &body);
    if let Some(tag) = &update.if_match {
        request = request.header("If-Match", tag);
    }
    let answer = session.send_once(&request)?;
    write(session, &answer)
}

fn act(session: &mut Session, one: &One, action: &str) -> anyhow::Result<()> {
    let answer = session.post(&format!("{}/{action}", path(&one.id)), None)?;
    write(session, &answer)
}

fn write(session: &Session, answer: &Answer) -> anyhow::Result<()> {
    if session.json {
        return say_as_it_came(answer);
    }
    say(format_args!("{}", details(&answer.json()?, &FIRST)))?;
    if let Some(tag) = answer.header("ETag") {
        say(format_args!("\nThis is version {tag}; `--if-match '{tag}'` changes no other."))?;
    }
    Ok(())
}
