//! Bringing a backup back into an empty folder.

use std::io::Read;
use std::sync::Arc;

use super::error::{Error, Result};
use super::format::{Description, Kind, Manifest, SequenceEnd};
use super::reader::{Receiver, Refused, read};
use crate::disk::{Disk, File};
use crate::journal::{self, BLOCK_HEADER_BYTES, Import, Imported};

/// No block of the journal is larger, so a damaged length asks for no more memory than this.
const LARGEST_BLOCK_BYTES: usize = 64 << 20;

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the backup is a backup of.
    pub description: Description,
    /// What was in it.
    pub manifest: Manifest,
    /// The journal that was made.
    pub journal: Imported,
}

/// Writes what is in a backup to an empty disk, durably: snapshots, the ledger's log, and the journal
/// by what `begin` makes. The result counts only when this returns `Ok`; an identity is still missing.
///
/// # Errors
/// When the backup cannot be read or is not genuine, or the disk fails. What was written is rubbish
/// then.
pub fn restore(
    input: impl Read,
    disk: &Arc<dyn Disk>,
    begin: impl FnOnce(&Description) -> std::result::Result<Import, Error>,
) -> Result<Restored> {
    let mut target = Target {
        disk: Arc::clone(disk),
        begin: Some(begin),
        import: None,
        entry: Entry::None,
        block: Vec::new(),
    };
    let checked = read(input, &mut target)?;
    let import = target.import.ok_or_else(|| Error::Foreign("it has no journal".to_owned()))?;
    let imported = import.finish()?;
    for folder in ["snapshots", "ledger/log", "ledger", "journal", ""] {
        disk.create_folder(folder)?;
        disk.sync_folder(folder)?;
    }
    let ends: Vec<_> = imported.tails.iter().copied().map(SequenceEnd::of).collect();
    if ends != checked.manifest.sequences {
        return Err(Error::Damaged {
            entry: "the journal".to_owned(),
            offset: checked.bytes,
            what: "it ends elsewhere than the manifest says".to_owned(),
        });
    }
    let (description, manifest) = (checked.description, checked.manifest);
    Ok(Restored { description, manifest, journal: imported })
}

struct Target<B> {
    disk: Arc<dyn Disk>,
    begin: Option<B>,
    import: Option<Import>,
    entry: Entry,
    /// The part of a block that was read so far.
    block: Vec<u8>,
}

/// What is being written.
enum Entry {
    None,
    Copy { file: Arc<dyn File>, written: u64 },
    Blocks,
}

impl<B> Receiver for Target<B>
where
    B: FnOnce(&Description) -> std::result::Result<Import, Error>,
{
    fn description(&mut self, description: &Description) -> Result<()> {
        if let Some(begin) = self.begin.take() {
            self.import = Some(begin(description)?);
        }
        Ok(())
    }

    fn begin(&mut self, name: &str, kind: Kind) -> Result<()> {
        self.entry = match (kind, name.rsplit_once('/')) {
            (Kind::Copy, Some((folder, _))) => {
                self.disk.create_folder(folder)?;
                Entry::Copy { file: self.disk.create(name)?, written: 0 }
            }
            _ => Entry::Blocks,
        };
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> std::result::Result<(), Refused> {
        match &mut self.entry {
            Entry::None => Ok(()),
            Entry::Copy { file, written } => {
                file.write_at(bytes, *written).map_err(|error| Refused::Failed(error.into()))?;
                *written += bytes.len() as u64;
                Ok(())
            }
            Entry::Blocks => self.blocks(bytes),
        }
    }

    fn end(&mut self) -> std::result::Result<(), Refused> {
        match std::mem::replace(&mut self.entry, Entry::None) {
            Entry::Copy { file, .. } => {
                file.sync_data().map_err(|error| Refused::Failed(error.into()))
            }
            _ if self.block.is_empty() => Ok(()),
            _ => Err(Refused::Damaged("it ends within a block".to_owned())),
        }
    }
}

impl<B> Target<B> {
    /// Takes in every block that is complete by now.
    fn blocks(&mut self, mut bytes: &[u8]) -> std::result::Result<(), Refused> {
        while !bytes.is_empty() {
            let wanted = match self.block.get(..BLOCK_HEADER_BYTES) {
                None => BLOCK_HEADER_BYTES,
                Some(header) => journal::block_bytes(header)
                    .filter(|&bytes| bytes <= LARGEST_BLOCK_BYTES)
                    .ok_or_else(|| Refused::Damaged("no block begins here".to_owned()))?,
            };
            let missing = wanted.saturating_sub(self.block.len());
            let (now, later) = bytes.split_at(missing.min(bytes.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            self.take_if_complete()?;
        }
        Ok(())
    }

    fn take_if_complete(&mut self) -> std::result::Result<(), Refused> {
        let complete = self.block.get(..BLOCK_HEADER_BYTES).and_then(journal::block_bytes);
        if complete != Some(self.block.len()) {
            return Ok(());
        }
        if let Some(import) = &mut self.import {
            import.take(&self.block).map_err(|error| match error {
                journal::Error::Damaged { place, damage } => {
                    Refused::Damaged(format!("block {}: {damage}", place.block))
                }
                error => Refused::Failed(error.into()),
            })?;
        }
        self.block.clear();
        Ok(())
    }
}
