//! Giving a data directory's journal another engine.

use std::sync::Arc;

use redeemd_config::JournalEngine;
use redeemd_persistence::data_directory::Identity;
use redeemd_persistence::disk::{Disk, RealDisk};
use redeemd_persistence::exchange::{self, OldJournal};
use redeemd_persistence::journal::{self, Import, Imported, Options};

use super::super::storage;
use super::{Error, Offline, Progress};

/// What was converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The engine that the journal had.
    pub from: String,
    /// The engine that it has.
    pub to: String,
    /// What was carried over.
    pub journal: Imported,
}

impl Offline {
    /// Makes a journal of another engine out of the present one, and puts it in its place. First the
    /// directory is brought back as a server would: what does not start is not converted. Until the
    /// new journal is whole and was read back, the old one counts.
    ///
    /// # Errors
    /// When the directory does not start, has that engine already, or the disk fails or is full.
    pub fn convert(
        self,
        to: JournalEngine,
        progress: &mut dyn Progress,
    ) -> Result<Converted, Error> {
        let from = self.identity().engine.clone();
        if from == to.name() {
            return Err(Error::Refused(format!("the journal is kept by {from} already")));
        }
        let recovered = storage::recover(&self.settings, &self.directory)?;
        let journal = recovered.journal;
        let place = exchange::begin(self.directory.path())?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&place));
        let options = Options {
            directory: self.identity().id,
            engine: storage::engine(&self.settings, to.name(), &place)?,
            minimum_free_bytes: self.settings.journal.minimum_free_bytes,
            reserve_bytes: 0,
        };
        progress.begin("writing the new journal", journal.stored_bytes());
        let made = Import::begin(Arc::clone(&disk), options.clone()).and_then(|mut import| {
            let mut failure = None;
            let exported = journal.reader()?.export(&mut |block| {
                progress.advance(block.len() as u64);
                import.take(block).map_err(|error| {
                    let reason = error.to_string();
                    failure = Some(error);
                    reason
                })
            });
            match (failure, exported) {
                (Some(error), _) | (None, Err(error)) => Err(error),
                (None, Ok(_)) => import.finish(),
            }
        });
        let imported = made.and_then(|imported| {
            read_back(&disk, &options, &imported)?;
            Ok(imported)
        });
        let imported = match imported {
            Ok(imported) => imported,
            Err(error) => {
                exchange::abandon(self.directory.path())?;
                return Err(error.into());
            }
        };
        drop(journal);
        for path in [self.directory.path(), &place] {
            journal::wait_until_closed(path)?;
        }
        let identity = Identity { engine: to.name().to_owned(), ..self.identity().clone() };
        exchange::exchange(self.directory.path(), &identity, OldJournal::Removed)?;
        Ok(Converted { from, to: to.name().to_owned(), journal: imported })
    }
}

/// Reads a journal that was made, as a start would, and compares it with what went into it.
pub(super) fn read_back(
    disk: &Arc<dyn Disk>,
    options: &Options,
    imported: &Imported,
) -> Result<(), journal::Error> {
    let (journal, report) = journal::open(Arc::clone(disk), options, &[], &mut |_| Ok(()))?;
    drop(journal);
    if report.tails == imported.tails && report.blocks == imported.blocks {
        return Ok(());
    }
    Err(journal::Error::Options("the new journal is not what was written into it".to_owned()))
}
