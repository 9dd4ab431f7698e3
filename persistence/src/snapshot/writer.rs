//! Writing a snapshot: a draft that becomes a snapshot when it is published.

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;
use sha2::{Digest as _, Sha256};

use super::format::{Header, VERSION, encode_end, section_checksum};
use super::{DRAFT_SUFFIX, FOLDER, Result, Snapshots, path};
use crate::disk::{Courtesy, Disk, File, PIECE_BYTES, Portions};

/// How much is gathered before it is written.
const BUFFER_BYTES: usize = PIECE_BYTES;

/// A complete, synced snapshot that nobody can find yet.
#[derive(Debug)]
pub struct Draft {
    disk: Arc<dyn Disk>,
    draft_path: String,
    path: String,
    sequence: SequenceId,
    number: u64,
    bytes: u64,
}

impl Draft {
    /// The sequence whose state it is.
    pub fn sequence(&self) -> SequenceId {
        self.sequence
    }

    /// The last entry of the state.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes it a snapshot. Only when the ledger durably covers its last entry: from then on the
    /// journal may delete what led to it.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn publish(self) -> Result<()> {
        self.disk.rename(&self.draft_path, &self.path)?;
        self.disk.sync_folder(FOLDER)?;
        Ok(())
    }

    /// Throws it away.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn discard(self) -> Result<()> {
        Ok(self.disk.remove(&self.draft_path)?)
    }
}

/// Gathers sections into large writes.
struct Output {
    file: Portions,
    offset: u64,
    buffer: Vec<u8>,
    hash: Sha256,
    sections: u64,
}

impl Output {
    fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.hash.update(bytes);
    }

    fn section(&mut self, section: &[u8]) -> Result<()> {
        // A section is a slot of at most 2^30 codes; none comes near four gigabytes.
        let length = u32::try_from(section.len()).unwrap_or(u32::MAX - 1);
        self.put(&length.to_le_bytes());
        self.put(&section_checksum(length, section).to_le_bytes());
        self.put(section);
        self.sections += 1;
        if self.buffer.len() >= BUFFER_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        self.file.write_at(&self.buffer, self.offset)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl Snapshots {
    /// Writes the sections that `encode` hands out, and syncs them.
    ///
    /// # Errors
    /// When the disk fails; there is then no draft.
    pub fn write(
        &self,
        sequence: SequenceId,
        number: u64,
        encode: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<Draft> {
        let path = path(sequence, number);
        let draft_path = format!("{path}{DRAFT_SUFFIX}");
        if self.disk.list(FOLDER)?.iter().any(|name| draft_path.ends_with(name.as_str())) {
            self.disk.remove(&draft_path)?;
        }
        let file = self.disk.create(&draft_path)?;
        match self.fill(&file, sequence, number, encode) {
            Ok(bytes) => {
                let disk = Arc::clone(&self.disk);
                Ok(Draft { disk, draft_path, path, sequence, number, bytes })
            }
            Err(error) => {
                // The first error is the one to report; what is left is removed at the next start.
                let _ = self.disk.remove(&draft_path);
                Err(error)
            }
        }
    }

    fn fill(
        &self,
        file: &Arc<dyn File>,
        sequence: SequenceId,
        number: u64,
        encode: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<u64> {
        let mut output = Output {
            file: Portions::new(Arc::clone(file), Courtesy::default()),
            offset: 0,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            hash: Sha256::new(),
            sections: 0,
        };
        let header = Header { version: VERSION, sequence, directory: self.directory, number };
        output.put(&header.encode());
        encode(&mut |section| output.section(section))?;
        let digest = output.hash.clone().finalize();
        let end = encode_end(output.sections, &digest);
        output.put(&end);
        output.write()?;
        output.file.sync()?;
        Ok(output.offset)
    }
}
