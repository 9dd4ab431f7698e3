//! Reading a backup from front to end, and believing nothing of it before its last byte fits.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::error::{Error, Result};
use super::format::{
    DESCRIPTION, Description, END, End, EntryDigest, FORMAT_VERSION, Kind, LONGEST_TEXT_BYTES,
    MANIFEST, Manifest, hexadecimal,
};

/// The length of an entry's header; contents are padded to a multiple of it.
const RECORD_BYTES: usize = 512;
/// An archive ends with two records of zeros.
const TRAILER_BYTES: usize = 2 * RECORD_BYTES;
const STEP_BYTES: usize = 256 << 10;

/// A backup that was read to its end and is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What it is a backup of.
    pub description: Description,
    /// What is in it.
    pub manifest: Manifest,
    /// How many bytes it has.
    pub bytes: u64,
}

/// Reads a whole backup and compares every checksum.
///
/// # Errors
/// When it cannot be read, is cut off, damaged, newer, or no backup.
pub fn check(input: impl Read) -> Result<Checked> {
    struct Ignore;
    impl Receiver for Ignore {}
    read(input, &mut Ignore)
}

/// Gets what is read, before it is known to be genuine.
pub(super) trait Receiver {
    /// The description comes first.
    fn description(&mut self, _: &Description) -> Result<()> {
        Ok(())
    }

    /// An entry begins.
    fn begin(&mut self, _name: &str, _kind: Kind) -> Result<()> {
        Ok(())
    }

    /// Some more bytes of the entry. An error is text for [`Error::Damaged`], or one of its own.
    fn bytes(&mut self, _: &[u8]) -> std::result::Result<(), Refused> {
        Ok(())
    }

    /// The entry ends.
    fn end(&mut self) -> std::result::Result<(), Refused> {
        Ok(())
    }
}

/// Why a receiver does not take something.
pub(super) enum Refused {
    /// It is not what it should be.
    Damaged(String),
    /// Something else went wrong.
    Failed(Error),
}

/// Reads a whole backup, and gives its entries to a receiver.
pub(super) fn read(input: impl Read, receiver: &mut dyn Receiver) -> Result<Checked> {
    let mut input =
        Input { input, bytes: 0, hash: Sha256::new(), entry: "its beginning".to_owned() };
    let mut entries = Vec::new();
    let (first, length) = input.header().map_err(foreign)?;
    if first != DESCRIPTION {
        return Err(Error::Foreign(format!("it begins with {first}")));
    }
    let description: Description = input.text(length, &mut entries)?;
    if description.format > FORMAT_VERSION {
        let (found, supported) = (description.format, FORMAT_VERSION);
        return Err(Error::Newer { found, supported });
    }
    receiver.description(&description)?;
    loop {
        let (name, length) = input.header()?;
        if name == MANIFEST {
            let manifest = input.manifest(length, &mut entries)?;
            input.last_entry()?;
            return Ok(Checked { description, manifest, bytes: input.bytes });
        }
        let kind = Kind::of(&name).ok_or_else(|| input.damaged("no backup has such an entry"))?;
        receiver.begin(&name, kind)?;
        let sha256 = input.content(length, &mut |bytes| receiver.bytes(bytes))?;
        receiver.end().map_err(|refused| input.refused(refused))?;
        entries.push(EntryDigest { name, bytes: length, sha256 });
    }
}

/// What is not even an archive is something else rather than damaged.
fn foreign(error: Error) -> Error {
    match error {
        Error::Damaged { what, .. } => Error::Foreign(what),
        other => other,
    }
}

struct Input<R> {
    input: R,
    /// How many bytes were read, and their digest.
    bytes: u64,
    hash: Sha256,
    /// Where that is, for errors.
    entry: String,
}

impl<R: Read> Input<R> {
    fn damaged(&self, what: impl Into<String>) -> Error {
        Error::Damaged { entry: self.entry.clone(), offset: self.bytes, what: what.into() }
    }

    fn refused(&self, refused: Refused) -> Error {
        match refused {
            Refused::Damaged(what) => self.damaged(what),
            Refused::Failed(error) => error,
        }
    }

    /// As many bytes as there are, up to the buffer's length.
    fn some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.input.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Input { offset: self.bytes, source }),
            }
        }
        self.bytes += filled as u64;
        self.hash.update(buffer.get(..filled).unwrap_or_default());
        Ok(filled)
    }

    fn exact(&mut self, buffer: &mut [u8]) -> Result<()> {
        if self.some(buffer)? == buffer.len() {
            return Ok(());
        }
        Err(Error::CutOff { offset: self.bytes, entry: self.entry.clone() })
    }

    /// Name and length of the next entry.
    fn header(&mut self) -> Result<(String, u64)> {
        let mut record = [0; RECORD_BYTES];
        self.exact(&mut record)?;
        let header = Header::from_byte_slice(&record);
        let is_whole = header.cksum().is_ok_and(|stated| stated == checksum(&record));
        if !is_whole {
            return Err(self.damaged("the header of the entry after it is none"));
        }
        let name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
        let length = header.size().map_err(|error| self.damaged(error.to_string()))?;
        self.entry.clone_from(&name);
        match header.entry_type() {
            EntryType::Regular => Ok((name, length)),
            _ => Err(self.damaged("it is no regular file")),
        }
    }

    /// Passes the content of an entry on, and returns its digest.
    fn content(
        &mut self,
        length: u64,
        pass_on: &mut dyn FnMut(&[u8]) -> std::result::Result<(), Refused>,
    ) -> Result<String> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; STEP_BYTES.min(usize::try_from(length).unwrap_or(STEP_BYTES))];
        let mut left = length;
        while left > 0 {
            let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let step = buffer.get_mut(..count).unwrap_or_default();
            self.exact(step)?;
            hash.update(&*step);
            pass_on(step).map_err(|refused| self.refused(refused))?;
            left -= count as u64;
        }
        let mut padding = [0; RECORD_BYTES];
        let count = length.next_multiple_of(RECORD_BYTES as u64) - length;
        self.exact(padding.get_mut(..count as usize).unwrap_or_default())?;
        if padding.iter().any(|&byte| byte != 0) {
            return Err(self.damaged("something stands behind it"));
        }
        Ok(hexadecimal(&hash.finalize()))
    }

    /// An entry of JSON, which is noted among the others.
    fn text<T: DeserializeOwned>(
        &mut self,
        length: u64,
        entries: &mut Vec<EntryDigest>,
    ) -> Result<T> {
        if length > LONGEST_TEXT_BYTES {
            return Err(self.damaged("it is too long"));
        }
        let mut text = Vec::new();
        let sha256 = self.content(length, &mut |bytes| {
            text.extend_from_slice(bytes);
            Ok(())
        })?;
        entries.push(EntryDigest { name: self.entry.clone(), bytes: length, sha256 });
        serde_json::from_slice(&text).map_err(|error| self.damaged(error.to_string()))
    }

    /// The manifest, compared with what was read before it.
    fn manifest(&mut self, length: u64, entries: &mut Vec<EntryDigest>) -> Result<Manifest> {
        let read = entries.len();
        let manifest: Manifest = self.text(length, entries)?;
        let found = entries.get(..read).unwrap_or_default();
        let mut pairs = found.iter().zip(&manifest.entries);
        if let Some((found, _)) = pairs.find(|(found, stated)| found != stated) {
            let (entry, what) = (found.name.clone(), "its SHA-256 is another one".to_owned());
            return Err(Error::Damaged { entry, offset: self.bytes, what });
        }
        if found.len() != manifest.entries.len() {
            return Err(self.damaged("it names other entries than there are"));
        }
        Ok(manifest)
    }

    /// The entry that covers everything before it, and nothing after it.
    fn last_entry(&mut self) -> Result<()> {
        let (bytes, sha256) = (self.bytes, hexadecimal(&self.hash.clone().finalize()));
        let (name, length) = self.header()?;
        if name != END {
            return Err(self.damaged(format!("{END} must stand here")));
        }
        let end: End = self.text(length, &mut Vec::new())?;
        if end != (End { bytes, sha256 }) {
            return Err(self.damaged("the SHA-256 of everything before it is another one"));
        }
        let mut trailer = [0; TRAILER_BYTES + 1];
        match self.some(&mut trailer)? {
            TRAILER_BYTES if trailer.iter().all(|&byte| byte == 0) => Ok(()),
            count if count < TRAILER_BYTES => {
                Err(Error::CutOff { offset: self.bytes, entry: self.entry.clone() })
            }
            _ => Err(self.damaged("something follows the end")),
        }
    }
}

/// The checksum of a header: the sum of its bytes, its own place taken for spaces.
fn checksum(record: &[u8; RECORD_BYTES]) -> u32 {
    let place = 148..156;
    let byte = |(index, &byte): (usize, &u8)| {
        if place.contains(&index) { u32::from(b' ') } else { u32::from(byte) }
    };
    record.iter().enumerate().map(byte).sum()
}
