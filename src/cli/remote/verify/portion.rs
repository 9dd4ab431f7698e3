//! A portion of events, compared with the outcomes that the database has of the same entries.
//!
//! An outcome is written as the server writes events, and both must be the same to the letter. Only
//! the handles of codes are taken from the event: they need a key that nobody but the server has. So
//! what an outcome is believed to say is what the server says, and its rows are compared with that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redeemd_domain::codes::{CodeKey, Hint};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard;

use super::differences::Finding;
use super::fields;
use super::said::Said;
use crate::application::comparison::{Chain, KeptOutcome, Rendered, Renderer, Rendering, Rows};
use crate::http::event_text;
use crate::service::{Event, EventRecord, Register, ToldNames};

/// Events of some sequences that follow each other.
pub(super) struct Portion {
    said: BTreeMap<Position, Said>,
    names: Arc<ToldNames>,
    /// The digests over everything before.
    chains: BTreeMap<SequenceId, Chain>,
    /// What came of comparing it last.
    pub(super) compared: Compared,
}

/// What came of comparing a portion.
#[derive(Default)]
pub(super) struct Compared {
    /// What the database has otherwise than the server.
    pub(super) findings: Vec<Finding>,
    /// The digests over everything so far.
    pub(super) chains: BTreeMap<SequenceId, Chain>,
    /// How many outcomes are set aside.
    pub(super) set_aside: u64,
}

impl Portion {
    /// These events, after what has these digests.
    pub(super) fn new(
        said: impl IntoIterator<Item = Said>,
        names: &Arc<ToldNames>,
        chains: &BTreeMap<SequenceId, Chain>,
    ) -> Self {
        let said = said.into_iter().map(|said| (said.id.position, said)).collect();
        let (names, chains) = (Arc::clone(names), chains.clone());
        Self { said, names, chains, compared: Compared::default() }
    }

    /// Compares an outcome with its event; gives the event where both are the same.
    fn compare(&mut self, outcome: &KeptOutcome) -> Option<(Event, Vec<(CodeKey, Hint)>)> {
        let KeptOutcome { position, record, set_aside } = outcome;
        let chain = self.compared.chains.get_mut(&position.sequence);
        if let Some(chain) = chain {
            *chain = chain.followed_by(position.number, record);
        }
        let about = format!("redeemd.outcomes {position}");
        let said = self.said.get(position);
        let event = match (Event::of_outcome(*position, record), said) {
            (Ok(Some(event)), _) => event,
            // It changed nothing, so that nobody says anything of it.
            (Ok(None), None) => return None,
            (Ok(None), Some(said)) => {
                let says = Some(said.text.get().to_owned());
                self.compared.findings.push(Finding::new(about, says, Some("nothing".to_owned())));
                return None;
            }
            (Err(error), said) => {
                let says = said.map(|said| said.text.get().to_owned());
                self.compared.findings.push(Finding::new(about, says, Some(error.to_string())));
                return None;
            }
        };
        let hints = said.map(|said| said.hints.iter().copied()).into_iter().flatten();
        let hints: Vec<(CodeKey, Hint)> = event.codes().into_iter().zip(hints).collect();
        let text = event_text(&event, &Register::told(Arc::clone(&self.names), hints.clone()));
        match said {
            Some(said) if said.text.get() == text => {}
            Some(said) => {
                let (server, database) = fields::differing(said.text.get(), &text);
                self.compared.findings.push(Finding::new(about, Some(server), Some(database)));
                return None;
            }
            None => {
                self.compared.findings.push(Finding::new(about, None, Some(text)));
                return None;
            }
        }
        if let Some((kept, at)) = set_aside {
            self.compared.set_aside += 1;
            if (kept, *at) != (record, event.id.at) {
                let about = format!("redeemd.set_aside {position}");
                let database = Some("something else".to_owned());
                self.compared.findings.push(Finding::new(about, Some(text), database));
            }
        }
        Some((event, hints))
    }
}

impl Rendering for Portion {
    fn portion(&mut self, outcomes: &[KeptOutcome]) -> Rendered {
        self.compared = Compared { chains: self.chains.clone(), ..Compared::default() };
        let mut rendered = Rendered::default();
        let mut missing: BTreeSet<Position> = self.said.keys().copied().collect();
        for outcome in outcomes {
            let position = outcome.position;
            missing.remove(&position);
            let Some((event, hints)) = self.compare(outcome) else {
                rendered.left_out.insert(position);
                continue;
            };
            if let EventRecord::Control(record) = &event.record
                && record.event.withholds()
            {
                rendered.withholding.insert(position.number, record.event.clone());
            }
            let rows = match outcome.set_aside {
                None => rendered.rows.entry(position.sequence).or_default(),
                Some(_) => rendered.set_aside.entry(position.sequence).or_default(),
            };
            render(&event, &Renderer::told(hints), rows);
        }
        for position in missing {
            let says = self.said.get(&position).map(|said| said.text.get().to_owned());
            let about = format!("redeemd.outcomes {position}");
            self.compared.findings.push(Finding::new(about, says, None));
            rendered.left_out.insert(position);
        }
        rendered
    }

    fn rows(&self, outcome: &KeptOutcome, rows: &mut Rows) {
        // One that does not read is told where it is compared.
        if let Ok(Some(event)) = Event::of_outcome(outcome.position, &outcome.record) {
            render(&event, &Renderer::told(Vec::new()), rows);
        }
    }
}

fn render(event: &Event, renderer: &Renderer, rows: &mut Rows) {
    match &event.record {
        EventRecord::Control(record) => renderer.control(record, rows),
        EventRecord::Shard(record) => {
            let record: &shard::Record = record;
            renderer.shard(event.id.position.sequence, record, rows);
        }
    }
}
