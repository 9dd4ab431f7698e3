//! Reading a snapshot, and believing nothing of it that a checksum does not cover.

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;
use sha2::{Digest as _, Sha256};

use super::format::{
    END_BYTES, END_MARK, HEADER_BYTES, Header, MAX_SECTION_BYTES, SECTION_HEADER_BYTES, VERSION,
    encode_end, section_checksum,
};
use super::{Error, Result, Snapshots, path};
use crate::disk::File;

/// How much is read at once.
const BUFFER_BYTES: usize = 4 << 20;

/// Reads a file from its beginning to its end in large steps.
struct Input {
    path: String,
    file: Arc<dyn File>,
    /// Where in the file the first byte of `buffer` stands.
    offset: u64,
    buffer: Vec<u8>,
    /// How much of the buffer is used up.
    used: usize,
}

impl Input {
    fn damaged(&self, what: &'static str) -> Error {
        let offset = self.offset + self.used as u64;
        Error::Damaged { path: self.path.clone(), offset, what }
    }

    /// Makes the next `count` bytes available, and returns them without using them up.
    fn peek(&mut self, count: usize) -> Result<&[u8]> {
        if self.buffer.len() - self.used < count {
            self.buffer.drain(..self.used);
            self.offset += self.used as u64;
            self.used = 0;
            let kept = self.buffer.len();
            let end = self.offset + kept as u64;
            // No more than there is, so that a small snapshot costs little, and a damaged length
            // nothing.
            let left = self.file.length()?.saturating_sub(end);
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            let wanted = count.max(BUFFER_BYTES).saturating_sub(kept).min(left);
            let mut buffer = vec![0; kept + wanted];
            let (front, rest) = buffer.split_at_mut(kept);
            front.copy_from_slice(&self.buffer);
            let read = self.file.read_at(rest, end)?;
            buffer.truncate(kept + read);
            self.buffer = buffer;
        }
        match self.buffer.get(self.used..self.used + count) {
            Some(bytes) => Ok(bytes),
            None => Err(self.damaged("it ends too early")),
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.peek(1).is_err()
    }
}

/// A snapshot that was found. It can be read even when it is removed meanwhile.
#[derive(Clone, Debug)]
pub struct OpenSnapshot {
    path: String,
    file: Arc<dyn File>,
    sequence: SequenceId,
    number: u64,
}

impl OpenSnapshot {
    /// Where it is, relative to the data directory.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its file, none of whose bytes will ever change.
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// The sequence whose state it is.
    pub fn sequence(&self) -> SequenceId {
        self.sequence
    }

    /// The last entry of the state.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Snapshots {
    /// Opens a snapshot.
    ///
    /// # Errors
    /// When there is none, or the disk fails.
    pub fn find(&self, sequence: SequenceId, number: u64) -> Result<OpenSnapshot> {
        let path = path(sequence, number);
        let file = self.disk.open(&path)?;
        Ok(OpenSnapshot { path, file, sequence, number })
    }

    /// Hands the sections of a snapshot to `visit`, in order. Only when this returns `Ok` was all
    /// of it genuine.
    ///
    /// # Errors
    /// When the file is missing, damaged, foreign, or not accepted by `visit`.
    pub fn read(
        &self,
        sequence: SequenceId,
        number: u64,
        visit: &mut dyn FnMut(&[u8]) -> std::result::Result<(), String>,
    ) -> Result<()> {
        self.read_open(&self.find(sequence, number)?, visit)
    }

    /// As [`Snapshots::read`], of a snapshot that was opened before.
    ///
    /// # Errors
    /// When the file is damaged, foreign, or not accepted by `visit`.
    pub fn read_open(
        &self,
        snapshot: &OpenSnapshot,
        visit: &mut dyn FnMut(&[u8]) -> std::result::Result<(), String>,
    ) -> Result<()> {
        let OpenSnapshot { path, file, sequence, number } = snapshot.clone();
        let mut input = Input { path: path.clone(), file, offset: 0, buffer: Vec::new(), used: 0 };
        let mut hash = Sha256::new();
        self.read_header(&mut input, &mut hash, sequence, number)?;
        let mut sections = 0;
        while let Some(length) = read_section_header(&mut input)? {
            let whole = SECTION_HEADER_BYTES + length as usize;
            let bytes = input.peek(whole)?;
            let (header, section) = bytes.split_at(SECTION_HEADER_BYTES);
            let found = header.last_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            if found != Some(section_checksum(length, section)) {
                return Err(input.damaged("a section's checksum is wrong"));
            }
            hash.update(bytes);
            visit(section).map_err(|what| Error::Rejected { path: path.clone(), what })?;
            sections += 1;
            input.used += whole;
        }
        let end = encode_end(sections, &hash.finalize());
        if input.peek(END_BYTES)? != end {
            return Err(input.damaged("the end does not fit what precedes it"));
        }
        input.used += END_BYTES;
        if input.is_at_end() { Ok(()) } else { Err(input.damaged("something follows the end")) }
    }

    fn read_header(
        &self,
        input: &mut Input,
        hash: &mut Sha256,
        sequence: SequenceId,
        number: u64,
    ) -> Result<()> {
        let bytes = input.peek(HEADER_BYTES)?;
        let header = Header::decode(bytes);
        hash.update(bytes);
        let header = header.ok_or_else(|| input.damaged("the header's checksum is wrong"))?;
        let foreign = |what: String| Error::Foreign { path: input.path.clone(), what };
        if header.version > VERSION {
            let found = header.version;
            return Err(foreign(format!(
                "has format version {found}, and this version reads up to {VERSION}; use a newer \
                 redeemd"
            )));
        }
        if header.directory != self.directory {
            return Err(foreign("belongs to another data directory; remove it".to_owned()));
        }
        if (header.sequence, header.number) != (sequence, number) {
            return Err(foreign("was renamed; remove it".to_owned()));
        }
        input.used += HEADER_BYTES;
        Ok(())
    }
}

/// The length of the section that follows, or `None` at the end mark.
fn read_section_header(input: &mut Input) -> Result<Option<u32>> {
    let bytes = input.peek(4)?;
    let length = bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    if length == END_MARK {
        return Ok(None);
    }
    if length > MAX_SECTION_BYTES {
        return Err(input.damaged("a section's length is impossible"));
    }
    Ok(Some(length))
}
