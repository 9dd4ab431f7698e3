//! A verification under way: events in, portions compared, differences told.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use redeemd_actors::ledger_record::decode_control;
use redeemd_domain::sequence::SequenceId;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::counts;
use super::differences::{Differences, Finding};
use super::portion::Portion;
use super::said::Said;
use crate::application::comparison::{Chain, Checkpoint, Comparison, Lag, Mark, Span};
use crate::cli::progress::{Grouped, Progress, say};
use crate::cli::remote::session::Session;
use crate::http::PositionText;
use crate::service::ToldNames;

/// How many events are compared at once, or rows that they may have left.
const PORTION: u64 = 10_000;

#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    next_cursor: String,
}

/// A verification under way.
pub(super) struct Verification {
    comparison: Comparison,
    form: PositionText,
    names: Arc<ToldNames>,
    differences: Differences,
    /// The last outcome of each sequence that was compared.
    ends: BTreeMap<SequenceId, Mark>,
    /// The digests over all outcomes up to there.
    chains: BTreeMap<SequenceId, Chain>,
    events: u64,
    /// Events that the database does not have yet.
    pending: u64,
    /// Those of them that its primary has, where a replica is asked.
    not_on_replica: u64,
    set_aside: u64,
    /// Campaigns whose counts were not compared, and why they were not.
    uncounted: Option<&'static str>,
    counts: counts::Compared,
}

impl Verification {
    /// Begins one. What is there of campaigns and API keys is learned first: events name them.
    pub(super) fn begin(mut comparison: Comparison, is_json: bool) -> anyhow::Result<Self> {
        if let Some(lag) = comparison.lag().filter(|_| !is_json) {
            tell_lag(&lag)?;
        }
        let possession = comparison.possession();
        let sequences = usize::from(possession.shards) + 1;
        let form = PositionText::new(possession.directory.0, sequences);
        let genesis = |sequence| Checkpoint::genesis(possession.directory, sequence).chain;
        let chains = possession.sequences().map(|it| (it, genesis(it))).collect();
        let mut names = ToldNames::default();
        let mut after = 0;
        loop {
            let page = comparison.outcomes(SequenceId::CONTROL, after)?;
            let Some((last, _)) = page.last() else { break };
            after = last.number;
            // One that does not read is told when its event is compared with it.
            page.iter()
                .filter_map(|(_, it)| decode_control(it).ok())
                .for_each(|it| names.learn(&it));
        }
        Ok(Self {
            form,
            names: Arc::new(names),
            differences: Differences::new(is_json),
            ends: BTreeMap::new(),
            chains,
            events: 0,
            pending: 0,
            not_on_replica: 0,
            set_aside: 0,
            uncounted: None,
            counts: counts::Compared::default(),
            comparison,
        })
    }

    /// Compares everything that happened, from the beginning, as far as the database has it.
    pub(super) fn compare_events(&mut self, session: &mut Session) -> anyhow::Result<()> {
        let entries = self.comparison.possession().checkpoints.values().map(|it| it.through).sum();
        let progress = Progress::begin("comparing", entries);
        let mut position: Option<String> = None;
        let (mut said, mut rows) = (Vec::new(), 0);
        loop {
            let after = position.as_ref().map(|it| format!("&after={it}")).unwrap_or_default();
            let answer = session.get(&format!("/api/v1/events?limit=1000{after}"))?;
            let page: Page = serde_json::from_slice(answer.body())?;
            if self.form.read(&page.next_cursor).is_none() {
                anyhow::bail!(
                    "the server's data directory is not the one that wrote to the database"
                );
            }
            let is_end = position.as_ref() == Some(&page.next_cursor);
            position = Some(page.next_cursor);
            for event in page.data {
                let event = Said::read(event)?;
                let at = event.id.position;
                if at.number > self.comparison.possession().through(at.sequence) {
                    self.pending += 1;
                    self.not_on_replica += u64::from(self.comparison.primary_has(at));
                } else {
                    rows += event.rows;
                    said.push(event);
                }
            }
            if rows >= PORTION || (is_end && !said.is_empty()) {
                self.compare_said(std::mem::take(&mut said))?;
                rows = 0;
                progress.set(self.ends.values().map(|end| end.number).sum());
            }
            if is_end {
                progress.clear();
                return Ok(());
            }
        }
    }

    fn compare_said(&mut self, said: Vec<Said>) -> anyhow::Result<()> {
        self.events += said.len() as u64;
        let mut ends: BTreeMap<SequenceId, Mark> = BTreeMap::new();
        for said in &said {
            let end = Mark { number: said.id.position.number, at: said.id.at };
            ends.insert(said.id.position.sequence, end);
        }
        let span = |(&sequence, end): (&SequenceId, &Mark)| Span {
            sequence,
            after: self.ends.get(&sequence).copied(),
            through: end.number,
            until: Some(end.at),
        };
        let spans: Vec<Span> = ends.iter().map(span).collect();
        self.compare_portion(said, &spans)?;
        self.ends.extend(ends);
        Ok(())
    }

    fn compare_portion(&mut self, said: Vec<Said>, spans: &[Span]) -> anyhow::Result<()> {
        let mut portion = Portion::new(said, &self.names, &self.chains);
        let differences = self.comparison.portion(spans, &mut portion)?;
        let compared = portion.compared;
        self.chains = compared.chains;
        self.set_aside += compared.set_aside;
        self.differences.tell(compared.findings)?;
        self.differences.tell(differences)
    }

    /// Compares what comes after the last event of each sequence, and what is about no event.
    pub(super) fn compare_the_rest(&mut self) -> anyhow::Result<()> {
        let possession = self.comparison.possession().clone();
        let end = |sequence| Span {
            sequence,
            after: self.ends.get(&sequence).copied(),
            through: possession.through(sequence),
            until: None,
        };
        let ends: Vec<Span> = possession.sequences().map(end).collect();
        self.compare_portion(Vec::new(), &ends)?;
        let portion = Portion::new(Vec::new(), &self.names, &self.chains);
        let differences = self.comparison.finish(&ends, &portion)?;
        self.differences.tell(differences)?;
        for (sequence, checkpoint) in &possession.checkpoints {
            let Some(Chain(digest)) = self.chains.get(sequence) else { continue };
            let Chain(noted) = checkpoint.chain;
            let hexadecimal = |digest: &[u8; 16]| format!("{:032x}", u128::from_be_bytes(*digest));
            if *digest != noted {
                // The server insists on its own digest whenever it writes: the rows are other ones.
                let about = format!("redeemd.outcomes {sequence}: digest over all of them");
                let (server, database) = (Some(hexadecimal(&noted)), Some(hexadecimal(digest)));
                self.differences.tell([Finding::new(about, server, database)])?;
            }
        }
        Ok(())
    }

    /// Compares the counts of campaigns, where every outcome has its rows.
    pub(super) fn compare_counts(&mut self, session: &mut Session) -> anyhow::Result<()> {
        if self.comparison.not_kept() > 0 {
            self.uncounted = Some("partitions are not there");
            return Ok(());
        }
        let (form, differences) = (self.form, &mut self.differences);
        match counts::compare(session, &mut self.comparison, form, differences)? {
            Some(counts) => self.counts = counts,
            None => self.uncounted = Some("outcomes are set aside"),
        }
        Ok(())
    }

    /// Sums up.
    pub(super) fn tell(&self, is_json: bool) -> anyhow::Result<ExitCode> {
        let (found, not_kept) = (self.differences.found(), self.comparison.not_kept());
        if is_json {
            let summary = json!({
                "events": self.events,
                "pending": self.pending,
                "differences": found,
                "set_aside": self.set_aside,
                "not_kept": not_kept,
                "counted": self.counts.compared,
                "counts_pending": self.counts.pending,
                "replica": self.comparison.lag().map(|lag| json!({
                    "lag_seconds": lag.time.map(|time| time.as_secs_f64()),
                    "entries_behind": lag.entries,
                    "not_there_yet": self.not_on_replica,
                })),
            });
            say(format_args!("{summary}"))?;
        } else {
            self.tell_people(not_kept)?;
        }
        Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn tell_people(&self, not_kept: u64) -> anyhow::Result<()> {
        if self.set_aside > 0 {
            let set_aside = Grouped(self.set_aside);
            say(format_args!("{set_aside} outcomes are set aside, and their rows in no table"))?;
        }
        if not_kept > 0 {
            let rows = Grouped(not_kept);
            say(format_args!(
                "{rows} rows are not there, since the partitions of their months are not"
            ))?;
        }
        if let Some(reason) = self.uncounted {
            say(format_args!("the counts of campaigns were not compared: {reason}"))?;
        }
        if self.counts.pending > 0 {
            let pending = Grouped(self.counts.pending);
            say(format_args!(
                "the counts of {pending} campaigns were not compared: the database is behind"
            ))?;
        }
        if self.not_on_replica > 0 {
            let missing = Grouped(self.not_on_replica);
            say(format_args!("{missing} events are in the primary and not on the replica yet"))?;
        }
        let (events, pending) = (Grouped(self.events), Grouped(self.pending));
        let found = Grouped(self.differences.found());
        say(format_args!(
            "{events} events compared, {found} differences, {pending} not copied yet"
        ))?;
        Ok(())
    }
}

/// Says that a replica is asked, and how far behind it is.
fn tell_lag(lag: &Lag) -> anyhow::Result<()> {
    let time = lag.time.map_or("it has carried out nothing yet".to_owned(), |time| {
        format!("its primary committed what it has {:.1} s ago", time.as_secs_f64())
    });
    let entries = match lag.entries {
        Some(entries) => format!("{} entries behind", Grouped(entries)),
        None => {
            "how many entries it is behind is not known: the primary cannot be asked".to_owned()
        }
    };
    Ok(say(format_args!("the replica is asked: {time}; {entries}"))?)
}
