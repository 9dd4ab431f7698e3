//! Backing up a directory that no server uses.

use std::io::Write;

use redeemd_persistence::backup::{self, Contents, Manifest};

use super::super::storage;
use super::{Error, Offline, now_ms};

impl Offline {
    /// Writes a backup to `output`. The directory is brought back first as a server would, so that
    /// what is backed up is known to start.
    ///
    /// # Errors
    /// When the directory does not start, or the disk or the output fails.
    pub fn back_up(&self, output: impl Write) -> Result<Manifest, Error> {
        let recovered = storage::recover(&self.settings, &self.directory)?;
        let disk = self.directory.disk();
        let reader = recovered.ledger.reader();
        let contents = Contents::open(&disk, self.identity(), &reader, now_ms())?;
        let mut journal = recovered.journal.reader()?;
        Ok(backup::write(contents, &mut *journal, output)?)
    }
}
