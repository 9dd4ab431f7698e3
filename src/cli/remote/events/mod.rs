//! `redeemd events`: what happened, and what happens.

mod blocks;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::ConnectionArguments;
use super::details::text;
use super::refused::Refused;
use super::session::Session;
use crate::cli::progress::say;
use crate::client::Request;
use blocks::Blocks;

const EVENTS: &str = "/api/v1/events";

/// The pause before a stream that ended is opened again.
const PAUSE: Duration = Duration::from_millis(500);

/// Show what happened on a server, the oldest first; with --follow go on as it happens.
///
/// A position says how far one came: begin again after it, and nothing is left out and nothing comes
/// twice. Without --follow it is shown at the end (with --json as the last line, as "next_cursor").
/// With --follow and --json each line has the position after it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  redeemd events --follow --after now
  redeemd events --type redemption.created --campaign camp_…
  redeemd events --follow --json --after p… > events.jsonl")]
pub struct Events {
    #[command(flatten)]
    connection: ConnectionArguments,
    /// Go on as things happen, until this is interrupted. Broken connections are made again.
    #[arg(long)]
    follow: bool,
    /// Begin after this position, or after everything that happened until `now`.
    #[arg(long, value_name = "POSITION", value_parser = position)]
    after: Option<String>,
    /// Only events of this type; may be repeated.
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    types: Vec<String>,
    /// Only events about this campaign.
    #[arg(long, value_name = "CAMPAIGN", value_parser = super::json::identifier)]
    campaign: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    next_cursor: String,
}

pub(in crate::cli) fn run(events: &Events) -> anyhow::Result<ExitCode> {
    super::with_server(&events.connection, |session| {
        match events.follow {
            true => follow(session, events),
            false => show(session, events),
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Shows what happened until now.
fn show(session: &mut Session, events: &Events) -> anyhow::Result<()> {
    let mut position = events.after.clone();
    loop {
        let query = events.query(position.as_deref());
        let answer = session.get(&format!("{EVENTS}?limit=1000{query}"))?;
        let page: Page = serde_json::from_slice(answer.body())?;
        for event in &page.data {
            match session.json {
                true => say(format_args!("{event}"))?,
                false => say(format_args!("{}", line(&serde_json::from_str(event.get())?)))?,
            }
        }
        if position.as_ref() == Some(&page.next_cursor) {
            break;
        }
        position = Some(page.next_cursor);
    }
    let position = position.unwrap_or_default();
    match session.json {
        true => say(format_args!("{}", json!({ "next_cursor": position })))?,
        false => crate::cli::note(&format!("go on with --after {position}")),
    }
    Ok(())
}

/// Shows what happens. Ends where the server refuses, or is away for too long.
fn follow(session: &mut Session, events: &Events) -> anyhow::Result<()> {
    let address = format!("{EVENTS}?{}", events.query(events.after.as_deref()));
    let is_json = session.json;
    let show = move |position: &str, event: &str| match is_json {
        // It begins with a brace, and the position stands first in it.
        true => say(format_args!("{{\"position\":\"{position}\",{}", event.get(1..).unwrap_or(""))),
        false => say(format_args!("{}", line(&serde_json::from_str(event)?))),
    };
    let mut blocks = Blocks::new(show);
    let mut broken_since: Option<Instant> = None;
    loop {
        let position = blocks.position().map(str::to_owned);
        let request = Request::get(&address).accept("text/event-stream");
        let request = match &position {
            Some(position) => request.header("Last-Event-ID", position),
            None => request,
        };
        blocks.begin();
        match session.client.send_to(&request, &mut blocks) {
            Ok(answer) if answer.status() != 503 => _ = Refused::check(answer)?,
            Ok(answer) => at_last(&mut broken_since, session, || Refused::check(answer).map(drop))?,
            // A server that was never reached is not waited for.
            Err(error) if error.is_transient() && blocks.position().is_some() => {
                at_last(&mut broken_since, session, || Err(error.into()))?;
            }
            Err(error) => return Err(error.into()),
        }
        if blocks.position() != position.as_deref() {
            broken_since = None;
        }
        thread::sleep(PAUSE);
    }
}

/// Fails once it has been so for longer than the patience.
fn at_last(
    since: &mut Option<Instant>,
    session: &Session,
    fail: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let since = *since.get_or_insert_with(Instant::now);
    if since.elapsed() > session.manner.patience { fail() } else { Ok(()) }
}

impl Events {
    /// What is asked for, as it stands in an address after something else.
    fn query(&self, after: Option<&str>) -> String {
        let types = (!self.types.is_empty()).then(|| self.types.join(","));
        let parts = [("after", after), ("types", types.as_deref())];
        let parts = parts.into_iter().chain([("campaign_id", self.campaign.as_deref())]);
        let parts = parts.filter_map(|(name, value)| Some(format!("&{name}={}", value?)));
        parts.collect()
    }
}

/// An event for people: when, what, whose, and what else is said of it in short.
fn line(event: &Value) -> String {
    let field = |name: &str| event.get(name).filter(|value| !value.is_null()).map(text);
    let mut line = field("created_at").unwrap_or_default();
    line.extend([" ", &field("type").unwrap_or_default()]);
    for name in ["campaign_id", "api_key_id"] {
        if let Some(id) = field(name) {
            line.extend([" ", &id]);
        }
    }
    let details = event.as_object().into_iter().flatten().find(|(_, value)| value.is_object());
    for (name, value) in details.into_iter().flat_map(|(_, value)| value.as_object()).flatten() {
        let is_short = value.is_string() || value.is_number();
        if is_short && !["campaign_id", "created_at", "redeemed_at"].contains(&name.as_str()) {
            line.extend([" ", name, "=", &text(value)]);
        }
    }
    line.replace(char::is_control, " ")
}

fn position(text: &str) -> Result<String, String> {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match text.bytes().all(is_one) && !text.is_empty() {
        true => Ok(text.to_owned()),
        false => Err("expected a position (p…) that the server gave, or now".to_owned()),
    }
}

fn kind(text: &str) -> Result<String, String> {
    let is_one = |byte: u8| byte.is_ascii_lowercase() || b"_.".contains(&byte);
    match text.bytes().all(is_one) && !text.is_empty() {
        true => Ok(text.to_owned()),
        false => Err("expected a type, such as redemption.created".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_an_event_in_one_line() {
        let event = json!({
            "id": "evt_1", "type": "code.revoked", "created_at": "2026-11-21T10:45:31.187Z",
            "campaign_id": "camp_1", "api_key_id": null,
            "code": {"code_hint": "4be1f09c", "reason": "two\nlines", "extra": null},
        });
        let expected = "2026-11-21T10:45:31.187Z code.revoked camp_1 code_hint=4be1f09c \
                        reason=two lines";
        assert_eq!(line(&event), expected);
    }

    #[test]
    fn what_is_no_position_or_type_never_reaches_an_address() {
        for bad in ["", "p a", "p&x=1", "é"] {
            assert!(position(bad).is_err() && kind(bad).is_err(), "{bad}");
        }
        assert!(position("pCAA-_9").is_ok() && kind("api_key.created").is_ok());
    }
}
