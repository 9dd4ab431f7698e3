//! Telling differences, and counting them.

use redeemd_domain::timestamp::Timestamp;
use serde_json::json;

use crate::application::comparison::{Columns, Difference, ShownValue};
use crate::cli::progress::say;
use crate::http::TimeText;

/// Something that the server and the database say otherwise.
pub(super) struct Finding {
    about: String,
    server: Option<String>,
    database: Option<String>,
}

impl Finding {
    /// What it is about, and what either says of it, if anything.
    pub(super) fn new(about: String, server: Option<String>, database: Option<String>) -> Self {
        Self { about, server, database }
    }
}

impl From<Difference> for Finding {
    fn from(difference: Difference) -> Self {
        let Difference { table, position, name, written, found } = difference;
        let mut about = format!("redeemd.{table}");
        if !name.is_empty() {
            about = format!("{about} {name}");
        }
        if let Some(position) = position {
            about = format!("{about} {position}");
        }
        Self { about, server: written.map(|it| text(&it)), database: found.map(|it| text(&it)) }
    }
}

/// Tells and counts.
#[derive(Debug)]
pub(super) struct Differences {
    is_json: bool,
    found: u64,
}

impl Differences {
    /// Nothing was found yet.
    pub(super) fn new(is_json: bool) -> Self {
        Self { is_json, found: 0 }
    }

    /// How many were found.
    pub(super) fn found(&self) -> u64 {
        self.found
    }

    /// Tells some.
    pub(super) fn tell(
        &mut self,
        findings: impl IntoIterator<Item = impl Into<Finding>>,
    ) -> anyhow::Result<()> {
        findings.into_iter().try_for_each(|finding| self.tell_one(&finding.into()))
    }

    /// Says that both should be equal, where they are not.
    pub(super) fn expect_equal(
        &mut self,
        what: String,
        server: &str,
        database: &str,
    ) -> anyhow::Result<()> {
        if server == database {
            return Ok(());
        }
        let (server, database) = (Some(server.to_owned()), Some(database.to_owned()));
        self.tell_one(&Finding::new(what, server, database))
    }

    fn tell_one(&mut self, finding: &Finding) -> anyhow::Result<()> {
        let Finding { about, server, database } = finding;
        self.found += 1;
        if self.is_json {
            let line = json!({ "about": about, "server": server, "database": database });
            say(format_args!("{line}"))?;
        } else {
            let shown = |text: &Option<String>| match text {
                Some(text) => format!("\"{}\"", text.replace(char::is_control, " ")),
                None => "nothing".to_owned(),
            };
            let (server, database) = (shown(server), shown(database));
            say(format_args!("{about}: the server says {server}, the database {database}"))?;
        }
        Ok(())
    }
}

/// What columns say, in a line. A row without any is there, and that is all there is to say of it.
fn text(columns: &Columns) -> String {
    if columns.is_empty() {
        return "a row".to_owned();
    }
    let column = |(name, shown): &(&str, ShownValue)| match shown {
        ShownValue::Time(microseconds) => format!("{name}={}", time(*microseconds)),
        shown => format!("{name}={shown}"),
    };
    columns.iter().map(column).collect::<Vec<_>>().join(" ")
}

/// A time of the database, with what it has beyond milliseconds.
fn time(microseconds: i64) -> String {
    let Ok(since) = u64::try_from(microseconds) else { return format!("{microseconds} us") };
    let text = TimeText(Timestamp(since / 1_000)).to_string();
    match since % 1_000 {
        0 => text,
        rest => format!("{text}+{rest}us"),
    }
}
