//! Writing a backup.

use std::io::{self, Read, Write};

use redeemd_domain::sequence::SequenceId;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::contents::Contents;
use super::error::{Error, Result};
use super::format::{
    DESCRIPTION, END, End, EntryDigest, MANIFEST, Manifest, SequenceEnd, hexadecimal, piece_name,
};
use super::streams::{Beginning, Digested};
use crate::journal::{self, Reader};

/// Blocks of the journal are gathered into pieces of about this many bytes, since an archive states
/// the length of an entry before its content.
const PIECE_BYTES: usize = 4 << 20;

/// Writes a backup to `output`, reading the journal through `journal`, whose end must have been
/// fixed after the contents were opened.
///
/// # Errors
/// When something cannot be read or written, or when nothing could be restored from the backup.
pub fn write(
    mut contents: Contents,
    journal: &mut dyn Reader,
    output: impl Write,
) -> Result<Manifest> {
    contents.drop_damaged();
    let modified = contents.description.taken_at_ms / 1000;
    let mut archive =
        Archive { builder: Builder::new(Digested::new(output)), modified, entries: Vec::new() };
    archive.text(DESCRIPTION, &contents.description)?;
    for snapshot in &contents.snapshots {
        let bytes = snapshot.file().length()?;
        archive.copy(snapshot.path(), Beginning::new(snapshot.file().clone(), bytes), bytes)?;
    }
    for (path, file, bytes) in &contents.ledger {
        archive.copy(path, Beginning::new(file.clone(), *bytes), *bytes)?;
    }
    let tails = archive.journal(&contents, journal)?;
    let sequences = tails.into_iter().map(SequenceEnd::of).collect();
    let manifest = Manifest { entries: std::mem::take(&mut archive.entries), sequences };
    archive.text(MANIFEST, &manifest)?;
    let whole = archive.builder.get_ref();
    let end = End { bytes: whole.bytes, sha256: whole.digest() };
    archive.text(END, &end)?;
    let mut output = archive.builder.into_inner().map_err(Error::Output)?;
    output.flush().map_err(Error::Output)?;
    Ok(manifest)
}

struct Archive<W: Write> {
    builder: Builder<Digested<W>>,
    /// The time that entries bear, in seconds.
    modified: u64,
    entries: Vec<EntryDigest>,
}

impl<W: Write> Archive<W> {
    fn text(&mut self, name: &str, content: &impl Serialize) -> Result<()> {
        let text =
            serde_json::to_vec_pretty(content).map_err(|error| Error::Output(error.into()))?;
        self.bytes(name, &text)
    }

    fn bytes(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.append(name, content, content.len() as u64)?;
        self.note(name, content.len() as u64, hexadecimal(&Sha256::digest(content)));
        Ok(())
    }

    fn copy(&mut self, name: &str, mut content: Beginning, bytes: u64) -> Result<()> {
        self.append(name, &mut content, bytes)?;
        self.note(name, bytes, content.digest());
        Ok(())
    }

    fn append(&mut self, name: &str, content: impl Read, bytes: u64) -> Result<()> {
        let mut header = Header::new_ustar();
        header.set_path(name).map_err(Error::Output)?;
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(self.modified);
        header.set_cksum();
        self.builder.append(&header, content).map_err(Error::Output)
    }

    fn note(&mut self, name: &str, bytes: u64, sha256: String) {
        self.entries.push(EntryDigest { name: name.to_owned(), bytes, sha256 });
    }

    /// The journal in pieces. Returns where each sequence ends.
    fn journal(
        &mut self,
        contents: &Contents,
        journal: &mut dyn Reader,
    ) -> Result<Vec<(SequenceId, journal::Tail)>> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let mut pieces = 0;
        let mut failure = None;
        let tails = journal.export(&mut |block| {
            let mut take = || {
                if pieces == 0 && piece.is_empty() {
                    check_beginning(contents, block)?;
                }
                piece.extend_from_slice(block);
                if piece.len() >= PIECE_BYTES {
                    pieces += 1;
                    self.bytes(&piece_name(pieces), &piece)?;
                    piece.clear();
                }
                Ok(())
            };
            take().map_err(|error: Error| {
                let reason = error.to_string();
                failure = Some(error);
                reason
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        let tails = tails?;
        if !piece.is_empty() {
            self.bytes(&piece_name(pieces + 1), &piece)?;
        }
        Ok(tails)
    }
}

/// Whether there is a snapshot for every sequence whose first entries the journal has no longer.
fn check_beginning(contents: &Contents, anchor: &[u8]) -> Result<()> {
    let directory = contents.description.directory();
    let begins = directory.and_then(|directory| journal::anchor_tails(anchor, directory));
    let begins = begins.ok_or_else(|| {
        Error::Output(io::Error::other("the journal does not begin with an anchor"))
    })?;
    let missing = begins.into_iter().find(|(sequence, tail)| {
        let reaches = |number| number >= tail.last;
        let of_sequence = contents.snapshots.iter().filter(|one| one.sequence() == *sequence);
        tail.last > 0 && !of_sequence.map(|one| one.number()).any(reaches)
    });
    match missing {
        None => Ok(()),
        Some((sequence, tail)) => Err(Error::Incomplete { sequence, first: tail.last + 1 }),
    }
}
