//! Streams that count and digest what passes through them.

use std::io::{self, Read, Write};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::format::hexadecimal;
use crate::disk::File;

/// Files are read in steps of this many bytes.
const STEP_BYTES: usize = 256 << 10;

/// The beginning of a file of a [`crate::disk::Disk`], digested as it is read. A file that is
/// shorter is an error.
pub(super) struct Beginning {
    file: Arc<dyn File>,
    offset: u64,
    length: u64,
    buffer: Vec<u8>,
    used: usize,
    hash: Sha256,
}

impl Beginning {
    pub(super) fn new(file: Arc<dyn File>, length: u64) -> Self {
        Self { file, offset: 0, length, buffer: Vec::new(), used: 0, hash: Sha256::new() }
    }

    pub(super) fn digest(self) -> String {
        hexadecimal(&self.hash.finalize())
    }

    fn fill(&mut self) -> io::Result<()> {
        let left = usize::try_from(self.length - self.offset).unwrap_or(usize::MAX);
        self.buffer.resize(left.min(STEP_BYTES), 0);
        self.used = 0;
        let read = self.file.read_at(&mut self.buffer, self.offset).map_err(io::Error::other)?;
        if read < self.buffer.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.hash.update(&self.buffer);
        self.offset += read as u64;
        Ok(())
    }
}

impl Read for Beginning {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == self.buffer.len() && self.offset < self.length {
            self.fill()?;
        }
        let rest = self.buffer.get(self.used..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.used += count;
        Ok(count)
    }
}

/// Counts and digests what is written.
pub(super) struct Digested<W> {
    pub(super) output: W,
    pub(super) bytes: u64,
    hash: Sha256,
}

impl<W> Digested<W> {
    pub(super) fn new(output: W) -> Self {
        Self { output, bytes: 0, hash: Sha256::new() }
    }

    /// The digest of everything so far.
    pub(super) fn digest(&self) -> String {
        hexadecimal(&self.hash.clone().finalize())
    }
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
