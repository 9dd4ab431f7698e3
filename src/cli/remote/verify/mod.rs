//! `redeemd verify`: whether a running server and its database say the same.

mod differences;
mod saying;
mod tally;

use std::process::ExitCode;

use clap::Args;
use redeemd_domain::identifier::EventId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ConnectionArguments;
use super::session::Session;
use crate::application::comparison::Comparison;
use crate::cli::Arguments;
use crate::cli::progress::{Grouped, Progress, say};
use differences::Differences;
use tally::Tally;

/// How many events are compared at once.
const PORTION: usize = 10_000;

/// Which server is compared with which database.
///
/// Reads everything that happened on the server from the beginning, and the rows that it left:
/// redemptions and what of them was rolled back, holds and how they ended, movements of balances,
/// and how often the codes of each campaign were redeemed. Every difference is a line. What is not
/// copied yet is told as pending and is none. Changes nothing; the exit code is 0 where both say
/// the same, and 1 where they do not.
#[derive(Debug, Args)]
#[command(after_help = "\
The key must be one that may read events: that of an admin or an auditor. The database is the one that
the setting postgres.url names.

Examples:
  redeemd verify --against-postgres --config /etc/redeemd.toml --key-file admin.key
  redeemd verify --against-postgres --server http://127.0.0.1:8080 --json > differences.jsonl")]
pub struct Verify {
    #[command(flatten)]
    connection: ConnectionArguments,
    /// Compare with the database that postgres.url names. There is nothing else to compare with yet.
    #[arg(long, required = true)]
    against_postgres: bool,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Value>,
    next_cursor: String,
}

pub(in crate::cli) fn run(arguments: &Arguments, verify: &Verify) -> anyhow::Result<ExitCode> {
    super::with_server(&verify.connection, |session| {
        let comparison = Comparison::open(&arguments.settings()?)?;
        let mut verification = Verification {
            differences: Differences::new(session.json),
            tally: Tally::default(),
            events: 0,
            pending: 0,
            comparison,
        };
        verification.compare_events(session)?;
        verification.compare_totals()?;
        verification.tell(session.json)
    })
}

/// A comparison under way.
struct Verification {
    comparison: Comparison,
    differences: Differences,
    tally: Tally,
    /// How many events were compared.
    events: u64,
    /// How many are not in the database yet.
    pending: u64,
}

impl Verification {
    fn compare_events(&mut self, session: &mut Session) -> anyhow::Result<()> {
        let entries = self.comparison.possession().checkpoints.values().map(|it| it.through).sum();
        let progress = Progress::begin("comparing", entries);
        let mut position: Option<String> = None;
        let mut portion = Vec::new();
        loop {
            let after = position.as_ref().map(|it| format!("&after={it}")).unwrap_or_default();
            let answer = session.get(&format!("/api/v1/events?limit=1000{after}"))?;
            let page: Page = serde_json::from_slice(answer.body())?;
            let is_end = position.as_ref() == Some(&page.next_cursor);
            position = Some(page.next_cursor);
            for event in page.data {
                let id = event.get("id").and_then(Value::as_str).and_then(EventId::parse);
                let id = id.ok_or_else(|| anyhow::anyhow!("an event without an identifier"))?;
                let written = self.comparison.possession().through(id.position.sequence);
                if id.position.number > written {
                    self.pending += 1;
                } else {
                    self.events += 1;
                    self.tally.add(&event);
                    portion.push((id, event));
                }
            }
            if portion.len() >= PORTION || is_end {
                self.compare_portion(&portion)?;
                portion.clear();
                progress.set(self.differences.compared());
            }
            if is_end {
                break;
            }
        }
        self.differences.finish(&self.comparison)?;
        progress.clear();
        Ok(())
    }

    fn compare_portion(&mut self, portion: &[(EventId, Value)]) -> anyhow::Result<()> {
        self.differences.compare(&self.comparison, portion)
    }

    /// Rows that no event tells of are found by their number at the latest.
    fn compare_totals(&mut self) -> anyhow::Result<()> {
        let (totals, campaigns) = self.comparison.totals()?;
        let server = self.tally.totals();
        for (what, server, database) in [
            ("redemptions", server.redemptions, totals.redemptions),
            ("redemptions that were rolled back", server.rolled_back, totals.rolled_back),
            ("holds", server.holds, totals.holds),
            ("holds that have ended", server.ended_holds, totals.ended_holds),
            ("movements of balances", server.movements, totals.movements),
        ] {
            self.differences.expect_equal(what, &server.to_string(), &database.to_string())?;
        }
        let redeemed = self.tally.redeemed_by_campaign();
        for campaign in
            redeemed.keys().chain(campaigns.keys().filter(|it| !redeemed.contains_key(*it)))
        {
            let of = |counts: &std::collections::BTreeMap<String, u64>| {
                counts.get(campaign).copied().unwrap_or(0).to_string()
            };
            let what = format!("redemptions of {campaign} that stand");
            self.differences.expect_equal(&what, &of(redeemed), &of(&campaigns))?;
        }
        Ok(())
    }

    fn tell(&self, is_json: bool) -> anyhow::Result<ExitCode> {
        let found = self.differences.found();
        if is_json {
            let summary = json!({
                "events": self.events, "pending": self.pending, "differences": found,
            });
            say(format_args!("{summary}"))?;
        } else {
            let (events, pending) = (Grouped(self.events), Grouped(self.pending));
            say(format_args!(
                "{events} events compared, {} differences, {pending} not copied yet",
                Grouped(found)
            ))?;
        }
        Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
