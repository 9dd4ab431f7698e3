//! A database to compare with, for a command that does not run within a runtime.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix_web::rt::SystemRunner;
use redeemd_config::Settings;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::postgres::{self, Comparer, Projection};

pub use redeemd_persistence::postgres::{
    Chain, Checkpoint, Columns, Counted, Counts, Difference, KeptOutcome, Mark, Possession,
    Rendered, Renderer, Rendering, Rows, ShownValue, Span,
};

use super::projection::options;
use super::projection_commands::Error;

/// How long one question may take: tables are counted and looked through as a whole.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often it is looked how far the database is.
const LOOK: Duration = Duration::from_millis(100);

/// A database that has what a server wrote.
pub struct Comparison {
    runner: SystemRunner,
    projection: Projection,
    possession: Possession,
    comparer: Comparer,
}

impl Comparison {
    /// The database that the settings name, as far as it is now. Must not be called within a
    /// runtime.
    ///
    /// # Errors
    /// When there is none, it cannot be asked, or nothing was ever written there.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let options = options(settings).map_err(|error| Error::Settings(error.to_string()))?;
        let none = || Error::Settings("there is no database: postgres.url is empty".to_owned());
        let options = options.ok_or_else(none)?.patient(PATIENCE);
        let runner = actix_web::rt::System::new();
        let projection = runner.block_on(async { Projection::new(&options) });
        let possession = runner.block_on(projection.possession())?.ok_or_else(|| {
            Error::Settings("no server has ever written to this database".to_owned())
        })?;
        Ok(Self { runner, projection, possession, comparer: Comparer::default() })
    }

    /// What the database had when it was opened. So much is compared.
    pub fn possession(&self) -> &Possession {
        &self.possession
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
        &self,
        sequence: SequenceId,
        after: u64,
    ) -> Result<Vec<(Position, Vec<u8>)>, postgres::Error> {
        self.runner.block_on(self.projection.outcomes(sequence, after))
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
        let compared = self.comparer.portion(&self.projection, spans, rendering);
        self.runner.block_on(compared)
    }

    /// Compares what no portion has. `ends` are the ends of all sequences.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn finish(
        &self,
        ends: &[Span],
        rendering: &dyn Rendering,
    ) -> Result<Vec<Difference>, postgres::Error> {
        self.runner.block_on(self.comparer.finish(&self.projection, ends, rendering))
    }

    /// Counts campaigns, by their identifiers; nothing where outcomes are set aside.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn counts(
        &self,
        of: &[Counted],
    ) -> Result<Option<BTreeMap<String, Counts>>, postgres::Error> {
        self.runner.block_on(self.projection.counts(of))
    }

    /// Waits until the database has come to these entries, the control sequence's first; says
    /// whether it has within so long.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn wait_for(&self, through: &[u64], patience: Duration) -> Result<bool, postgres::Error> {
        let begun = Instant::now();
        loop {
            let now = self.runner.block_on(self.projection.possession())?;
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
