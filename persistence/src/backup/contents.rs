//! What a backup will have, fixed at one moment.

use std::io::ErrorKind;
use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::error::Result;
use super::format::Description;
use crate::data_directory::Identity;
use crate::disk::{Disk, File};
use crate::ledger::LedgerReader;
use crate::snapshot::{self, OpenSnapshot, Snapshots};

/// How often the snapshots are looked for again when one is removed just then.
const ATTEMPTS: usize = 10;

/// Files that were opened, with the bytes of each that will be copied.
#[derive(Debug)]
pub struct Contents {
    pub(super) description: Description,
    pub(super) snapshots: Vec<OpenSnapshot>,
    pub(super) ledger: Vec<(String, Arc<dyn File>, u64)>,
    snapshots_reader: Snapshots,
}

impl Contents {
    /// Opens what belongs into a backup, besides the journal: from here on the journal must delete
    /// nothing until the backup is written. The end of the journal must be fixed after this.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn open(
        disk: &Arc<dyn Disk>,
        identity: &Identity,
        ledger: &LedgerReader,
        taken_at_ms: u64,
    ) -> Result<Self> {
        let snapshots_reader = Snapshots::look_at(Arc::clone(disk), identity.id);
        let mut snapshots = Vec::new();
        for sequence in (0..=identity.shards).map(SequenceId) {
            snapshots.extend(open_all(&snapshots_reader, sequence)?);
        }
        // The ledger covers every snapshot that is published, so it comes after them.
        let mut files = Vec::new();
        for listing in ledger.log_files()? {
            let file = disk.open(&listing.path)?;
            files.push((listing.path, file, listing.bytes));
        }
        let description = Description::of(identity, taken_at_ms);
        Ok(Self { description, snapshots, ledger: files, snapshots_reader })
    }

    /// Leaves out the snapshots that do not read: a copy of them would be of no use either.
    pub(super) fn drop_damaged(&mut self) {
        let reader = &self.snapshots_reader;
        self.snapshots.retain(|snapshot| match reader.read_open(snapshot, &mut |_| Ok(())) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "a snapshot does not read and is not backed up");
                false
            }
        });
    }
}

/// Opens all snapshots of a sequence. One that is removed meanwhile was followed by a newer one.
fn open_all(snapshots: &Snapshots, sequence: SequenceId) -> Result<Vec<OpenSnapshot>> {
    let mut attempt = 1;
    loop {
        let numbers = snapshots.list(sequence)?;
        let opened: snapshot::Result<Vec<_>> =
            numbers.into_iter().map(|number| snapshots.find(sequence, number)).collect();
        match opened {
            Err(snapshot::Error::Disk(error))
                if error.source.kind() == ErrorKind::NotFound && attempt < ATTEMPTS =>
            {
                attempt += 1;
            }
            opened => return Ok(opened?),
        }
    }
}
