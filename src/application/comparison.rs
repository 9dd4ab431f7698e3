//! A database to compare with, for a command that does not run within a runtime.

use std::collections::BTreeMap;

use actix_web::rt::SystemRunner;
use redeemd_config::Settings;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::postgres::{self, Projection};

pub use redeemd_persistence::postgres::{Fact, Possession, Span, Totals};

use super::projection::options;
use super::projection_commands::Error;

/// A database that has what a server wrote.
pub struct Comparison {
    runner: SystemRunner,
    projection: Projection,
    possession: Possession,
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
        let options = options.ok_or_else(none)?;
        let runner = actix_web::rt::System::new();
        let projection = runner.block_on(async { Projection::new(&options) });
        let possession = runner.block_on(projection.possession())?.ok_or_else(|| {
            Error::Settings("no server has ever written to this database".to_owned())
        })?;
        Ok(Self { runner, projection, possession })
    }

    /// What the database has.
    pub fn possession(&self) -> &Possession {
        &self.possession
    }

    /// What the rows say that entries left.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn facts(&self, span: &Span) -> Result<Vec<Fact>, postgres::Error> {
        self.runner.block_on(self.projection.facts(span))
    }

    /// What the rows say became of redemptions, by their identifiers and times.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn rollbacks(&self, of: &[(String, Timestamp)]) -> Result<Vec<Fact>, postgres::Error> {
        self.runner.block_on(self.projection.rollbacks(of))
    }

    /// What the rows say became of holds, by their identifiers and times.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn ended_holds(&self, of: &[(String, Timestamp)]) -> Result<Vec<Fact>, postgres::Error> {
        self.runner.block_on(self.projection.ended_holds(of))
    }

    /// How many rows there are, and how often codes of each campaign were redeemed.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn totals(&self) -> Result<(Totals, BTreeMap<String, u64>), postgres::Error> {
        self.runner.block_on(self.projection.totals(&self.possession))
    }
}
