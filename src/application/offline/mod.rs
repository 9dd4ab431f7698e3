//! What is done with a data directory that no server uses: looking at it, salvaging it, giving its
//! journal another engine, backing it up, restoring it, rebuilding it from PostgreSQL.

mod backup;
mod convert;
mod error;
mod inspected;
mod ledger_damage;
mod making;
mod parts;
mod progress;
mod rebuild;
mod restore;
mod salvage;
mod verify;

use std::time::{SystemTime, UNIX_EPOCH};

use redeemd_config::Settings;
use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::data_directory::{DataDirectory, Identity};
use redeemd_persistence::journal::{FrameVisitor, inspect};

pub use convert::Converted;
pub use error::Error;
pub use progress::{Progress, Silent};
pub use rebuild::{KnownEnd, LostDirectory, Rebuilt, RebuiltSequence};
pub use restore::{Restored, RestoredSequence, restore};
pub use salvage::{Lost, LostEntries, LostOutcome, Plan, Salvaged, Way};
pub use verify::{SequenceReport, Verification};

/// A data directory that this process has for itself.
#[derive(Debug)]
pub struct Offline {
    settings: Settings,
    directory: DataDirectory,
}

impl Offline {
    /// Takes the data directory that the settings name.
    ///
    /// # Errors
    /// When there is none, or a server uses it.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let directory = DataDirectory::open_existing(&settings.data_dir)?;
        Ok(Self { settings: settings.clone(), directory })
    }

    /// What it is.
    pub fn identity(&self) -> &Identity {
        self.directory.identity()
    }

    /// Gives every frame of the journal to `visit`, and changes nothing.
    ///
    /// # Errors
    /// When the journal cannot be read to its end; what came before was visited then.
    pub fn frames(&self, visit: &mut FrameVisitor<'_>) -> Result<(), Error> {
        let inspected = self.inspected()?;
        inspect(inspected.disk.clone(), &inspected.options, &[], visit)?;
        Ok(())
    }

    /// The sequences that the directory has.
    pub fn sequences(&self) -> impl Iterator<Item = SequenceId> + use<> {
        (0..=self.identity().shards).map(SequenceId)
    }
}

/// The wall clock, in milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
