//! A database to compare with, for a command that does not run within a runtime.

mod sources;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redeemd_config::Settings;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::postgres::{self, Comparer};

pub use redeemd_persistence::postgres::{
    Chain, Checkpoint, Columns, Counted, Counts, Difference, KeptOutcome, Mark, Possession,
    Rendered, Renderer, Rendering, Rows, ShownValue, Span,
};

pub use sources::{Lag, Notice, Preference};

use super::projection_commands::Error;
use sources::{Found, Sources};

/// How often it is looked how far the database is.
const LOOK: Duration = Duration::from_millis(100);

/// A database that has what a server wrote.
pub struct Comparison {
    sources: Sources,
    found: Found,
    comparer: Comparer,
}

impl Comparison {
    /// The database that the settings name, as far as it is now. Where a replica was to be asked and
    /// cannot be, `notice` is told. Must not be called within a runtime.
    ///
    /// # Errors
    /// When there is none, it cannot be asked, or nothing was ever written there.
    pub fn open(
        settings: &Settings,
        preference: Preference,
        notice: Notice,
    ) -> Result<Self, Error> {
        let (sources, found) = Sources::open(settings, preference, notice)?;
        Ok(Self { sources, found, comparer: Comparer::default() })
    }

    /// How far behind the replica is, where it is asked.
    pub fn lag(&self) -> Option<Lag> {
        self.found.lag
    }

    /// Whether the primary had an entry when this was opened, where a replica is asked.
    pub fn primary_has(&self, position: Position) -> bool {
        let primary = self.found.primary.as_ref();
        primary.is_some_and(|primary| primary.through(position.sequence) >= position.number)
    }

    /// What the database had when it was opened. So much is compared.
    pub fn possession(&self) -> &Possession {
        &self.found.possession
    }

    /// How many rows are not there because the partition of their month is not.
    pub fn not_kept(&self) -> u64 {
        self.comparer.not_kept()
    }

    /// The outcomes of a sequence after an entry, in their order, some of them; none at the end.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn outcomes(
        &mut self,
        sequence: SequenceId,
        after: u64,
    ) -> Result<Vec<(Position, Vec<u8>)>, postgres::Error> {
        self.sources.ask(async |database| database.outcomes(sequence, after).await)
    }

    /// Compares the next entries of some sequences with their rows.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn portion(
        &mut self,
        spans: &[Span],
        rendering: &mut dyn Rendering,
    ) -> Result<Vec<Difference>, postgres::Error> {
        let comparer = &mut self.comparer;
        self.sources.ask(async |database| comparer.portion(database, spans, &mut *rendering).await)
    }

    /// Compares what no portion has. `ends` are the ends of all sequences.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn finish(
        &mut self,
        ends: &[Span],
        rendering: &dyn Rendering,
    ) -> Result<Vec<Difference>, postgres::Error> {
        let comparer = &self.comparer;
        self.sources.ask(async |database| comparer.finish(database, ends, rendering).await)
    }

    /// Counts campaigns, by their identifiers; nothing where outcomes are set aside.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn counts(
        &mut self,
        of: &[Counted],
    ) -> Result<Option<BTreeMap<String, Counts>>, postgres::Error> {
        self.sources.ask(async |database| database.counts(of).await)
    }

    /// Waits until the database has come to these entries, the control sequence's first; says
    /// whether it has within so long.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn wait_for(
        &mut self,
        through: &[u64],
        patience: Duration,
    ) -> Result<bool, postgres::Error> {
        let begun = Instant::now();
        loop {
            let now = self.sources.ask(async |database| database.possession().await)?;
            let has_come = |(sequence, &number): (SequenceId, &u64)| {
                now.as_ref().is_some_and(|now| now.through(sequence) >= number)
            };
            if (0..).map(SequenceId).zip(through).all(has_come) {
                return Ok(true);
            }
            if begun.elapsed() >= patience {
                return Ok(false);
            }
            std::thread::sleep(LOOK);
        }
    }
}
