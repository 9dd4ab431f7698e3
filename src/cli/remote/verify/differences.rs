//! Comparing a portion of events with the rows of the same entries, and telling every difference.

use std::collections::BTreeMap;

use redeemd_domain::identifier::EventId;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::saying::Saying;
use crate::application::comparison::{Comparison, Fact, Span};
use crate::cli::progress::say;

/// What is known of a sequence while its events are compared.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    /// Up to which entry.
    through: u64,
    /// When that one was stamped.
    at: Timestamp,
}

/// Facts by what they are about.
type Facts = BTreeMap<(u64, String), String>;

/// Compares, tells and counts.
#[derive(Debug)]
pub(super) struct Differences {
    is_json: bool,
    found: u64,
    sequences: BTreeMap<SequenceId, Compared>,
}

impl Differences {
    /// Nothing was compared yet.
    pub(super) fn new(is_json: bool) -> Self {
        Self { is_json, found: 0, sequences: BTreeMap::new() }
    }

    /// How many differences were found.
    pub(super) fn found(&self) -> u64 {
        self.found
    }

    /// How many entries were compared.
    pub(super) fn compared(&self) -> u64 {
        self.sequences.values().map(|it| it.through).sum()
    }

    /// Compares events with their rows. Those of each sequence follow those of the portion before.
    pub(super) fn compare(
        &mut self,
        comparison: &Comparison,
        portion: &[(EventId, Value)],
    ) -> anyhow::Result<()> {
        let mut said: BTreeMap<SequenceId, Facts> = BTreeMap::new();
        let mut ends: BTreeMap<SequenceId, Compared> = BTreeMap::new();
        let (mut rollbacks, mut ended) = (Vec::new(), Vec::new());
        for (id, event) in portion {
            let saying = Saying::of(id, event)
                .ok_or_else(|| anyhow::anyhow!("{id} is not as this redeemd knows such events"))?;
            let sequence = id.position.sequence;
            ends.insert(sequence, Compared { through: id.position.number, at: id.at });
            said.entry(sequence).or_default().extend(saying.rows.into_iter().map(keyed));
            rollbacks.extend(saying.rollback);
            ended.extend(saying.ended);
        }
        for (sequence, end) in ends {
            let rows = self.rows(comparison, sequence, end)?;
            self.tell_all(&said.remove(&sequence).unwrap_or_default(), &rows)?;
        }
        let named = |all: &[(String, Timestamp, Fact)]| -> (Vec<(String, Timestamp)>, Facts) {
            let asked = all.iter().map(|(id, at, _)| (id.clone(), *at)).collect();
            (asked, all.iter().map(|(_, _, fact)| keyed(fact.clone())).collect())
        };
        let (asked, said) = named(&rollbacks);
        let rows = comparison.rollbacks(&asked)?.into_iter().map(keyed).collect();
        self.tell_all(&said, &rows)?;
        let (asked, said) = named(&ended);
        let rows = comparison.ended_holds(&asked)?.into_iter().map(keyed).collect();
        self.tell_all(&said, &rows)
    }

    /// Compares the end of every sequence, after its last event: there must be no row.
    pub(super) fn finish(&mut self, comparison: &Comparison) -> anyhow::Result<()> {
        for sequence in comparison.possession().sequences() {
            let through = comparison.possession().through(sequence);
            let end = Compared { through, at: Timestamp::MAX };
            let rows = self.rows(comparison, sequence, end)?;
            self.tell_all(&Facts::new(), &rows)?;
        }
        Ok(())
    }

    /// Says that both should be equal, where they are not.
    pub(super) fn expect_equal(
        &mut self,
        what: &str,
        server: &str,
        database: &str,
    ) -> anyhow::Result<()> {
        if server != database {
            self.tell(what, Some(server), Some(database))?;
        }
        Ok(())
    }

    /// The rows of a sequence after what was compared, up to an end.
    fn rows(
        &mut self,
        comparison: &Comparison,
        sequence: SequenceId,
        end: Compared,
    ) -> anyhow::Result<Facts> {
        let before = self.sequences.insert(sequence, end).unwrap_or_default();
        let span = Span {
            sequence,
            after: before.through,
            through: end.through,
            from: before.at,
            to: end.at,
        };
        Ok(comparison.facts(&span)?.into_iter().map(keyed).collect())
    }

    fn tell_all(&mut self, said: &Facts, rows: &Facts) -> anyhow::Result<()> {
        for (key @ (_, about), server) in said {
            let database = rows.get(key);
            if database != Some(server) {
                self.tell(about, Some(server), database.map(String::as_str))?;
            }
        }
        for ((_, about), database) in rows.iter().filter(|(key, _)| !said.contains_key(*key)) {
            self.tell(about, None, Some(database))?;
        }
        Ok(())
    }

    fn tell(
        &mut self,
        about: &str,
        server: Option<&str>,
        database: Option<&str>,
    ) -> anyhow::Result<()> {
        self.found += 1;
        if self.is_json {
            let line = json!({ "about": about, "server": server, "database": database });
            say(format_args!("{line}"))?;
        } else {
            let shown = |text: Option<&str>| match text {
                Some(text) => format!("\"{}\"", text.replace(char::is_control, " ")),
                None => "nothing".to_owned(),
            };
            let (server, database) = (shown(server), shown(database));
            say(format_args!("{about}: the server says {server}, the database {database}"))?;
        }
        Ok(())
    }
}

fn keyed(fact: Fact) -> ((u64, String), String) {
    ((fact.entry, fact.about), fact.text)
}
