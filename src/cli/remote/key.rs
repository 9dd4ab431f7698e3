//! `redeemd key`: API keys.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::ConnectionArguments;
use super::details::{details, text};
use super::json::identifier;
use super::pages;
use super::session::{Session, say_as_it_came};
use super::table::{Side, Table};
use crate::cli::new_file::{Existing, NewFile};
use crate::cli::progress::say;
use crate::client::Request;

const KEYS: &str = "/api/v1/api-keys";

/// API keys on a server.
#[derive(Debug, Args)]
pub struct Key {
    #[command(flatten)]
    connection: ConnectionArguments,
    #[command(subcommand)]
    command: KeyCommand,
}

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make an API key. It is shown once: the server keeps no more than its digest.
    #[command(after_help = "Examples:
  redeemd key new --role redeemer --name 'shop back end'
  redeemd key new --role issuer --name marketing --output issuer.key")]
    New(New),
    /// List the API keys, without the keys themselves.
    #[command(after_help = "Example:\n  redeemd key list")]
    List,
    /// Revoke an API key: it is refused from then on.
    #[command(after_help = "Example:\n  redeemd key revoke key_…")]
    Revoke(Revoke),
}

/// An API key to be made.
#[derive(Debug, Args)]
struct New {
    /// What it may do.
    #[arg(long, value_enum)]
    role: Role,
    /// Who has it, for those who read the list.
    #[arg(long)]
    name: String,
    /// Write the key into a new file, for `--key-file`, instead of showing it.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// An API key to be revoked.
#[derive(Debug, Args)]
struct Revoke {
    /// Which key, by its id.
    #[arg(value_parser = identifier)]
    id: String,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Everything.
    Admin,
    /// Campaigns, codes, imports, exports, rollback.
    Issuer,
    /// Validate, redeem, hold: for back ends that are trusted.
    Redeemer,
    /// Read everything but codes.
    Auditor,
    /// Validate and redeem under strict limits: safe to ship in a page or an app.
    Public,
}

impl Role {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

pub(in crate::cli) fn run(key: &Key) -> anyhow::Result<ExitCode> {
    super::with_server(&key.connection, |session| {
        match &key.command {
            KeyCommand::New(new) => make(session, new),
            KeyCommand::List => list(session),
            KeyCommand::Revoke(revoke) => end(session, &revoke.id),
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

fn make(session: &mut Session, new: &New) -> anyhow::Result<()> {
    // Before the key is made: one that cannot be written down is lost.
    let file =
        new.output.as_deref().map(|path| NewFile::begin(path, Existing::Keep)).transpose()?;
    let body = json!({ "name": new.name, "role": new.role.name() });
    let answer = session.post(KEYS, Some(&body.to_string()))?;
    let mut made = answer.json()?;
    let id = made.get("id").map(text).unwrap_or_default();
    let key = made.get("key").and_then(Value::as_str).map(str::to_owned).with_context(|| {
        format!(
            "the server made {id} but does not show it again; `redeemd key revoke {id}` ends it"
        )
    })?;
    let lost = || format!("{id} was made and its key is lost; `redeemd key revoke {id}` ends it");
    let Some(mut file) = file else {
        let shown = match session.json {
            true => say_as_it_came(&answer),
            false => {
                let made = details(&made, &["id", "name", "role", "created_at"]);
                say(format_args!("{made}\nThe key is not shown again.")).map_err(Into::into)
            }
        };
        return shown.with_context(lost);
    };
    let written = writeln!(file, "{key}").map_err(anyhow::Error::from);
    written.and_then(|()| Ok(file.finish()?)).with_context(lost)?;
    if let Some(made) = made.as_object_mut() {
        made.remove("key");
    }
    Ok(match session.json {
        true => say(format_args!("{made}")),
        false => say(format_args!("{}", details(&made, &["id", "name", "role", "created_at"]))),
    }?)
}

fn list(session: &mut Session) -> anyhow::Result<()> {
    if session.json {
        return pages::visit(session, KEYS, None, |key| Ok(say(format_args!("{key}"))?));
    }
    let columns = ["ID", "ROLE", "CREATED", "NAME"].map(|title| (title, Side::Left));
    let mut table = Table::new(&columns);
    pages::visit(session, KEYS, None, |key| {
        let key: Value = serde_json::from_str(key.get())?;
        let names = ["id", "role", "created_at", "name"];
        table.row(names.map(|name| key.get(name).map(text).unwrap_or_default()));
        Ok(())
    })?;
    Ok(say(format_args!("{table}"))?)
}

fn end(session: &mut Session, id: &str) -> anyhow::Result<()> {
    session.send_once(&Request::delete(&format!("{KEYS}/{id}")))?;
    match session.json {
        true => Ok(()),
        false => Ok(say(format_args!("revoked {id}"))?),
    }
}
