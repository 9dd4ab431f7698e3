//! The header of a log file: where the log stood when the file was begun, so that opening the
//! ledger needs no look into the files before the last one.

use std::collections::BTreeMap;

use super::super::bytes::Bytes;
use super::super::error::Error;
use super::records_path;
use crate::disk::File;

const MAGIC: [u8; 4] = *b"RLF1";
const VERSION: u16 = 1;
const FIXED_BYTES: usize = 72;
const SEQUENCE_BYTES: usize = 10;

/// Where the log stands between two blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogState {
    /// The running number of the next block.
    pub(super) next_block: u64,
    /// The running number of the next commit.
    pub(super) next_commit: u64,
    /// The checksum field of the last block.
    pub(super) previous_checksum: u32,
    /// The last number that each sequence's blocks cover.
    pub(super) covered: BTreeMap<u16, u64>,
}

impl LogState {
    /// Before the first block.
    pub(super) fn new() -> Self {
        let covered = BTreeMap::new();
        Self { next_block: 1, next_commit: 1, previous_checksum: 0, covered }
    }
}

/// What a log file begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) directory_id: [u8; 16],
    pub(super) hash_key: [u8; 16],
    pub(super) file: u32,
    pub(super) state: LogState,
}

/// Why a header could not be had: a broken one is judged by its reader.
pub(super) enum Fault {
    /// It is no whole header.
    Broken,
    /// It is one, and it is of no use here.
    Refused(Error),
}

impl FileHeader {
    /// The bytes that the file begins with.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.directory_id);
        bytes.extend_from_slice(&self.hash_key);
        bytes.extend_from_slice(&u64::from(self.file).to_le_bytes());
        bytes.extend_from_slice(&self.state.next_block.to_le_bytes());
        bytes.extend_from_slice(&self.state.next_commit.to_le_bytes());
        bytes.extend_from_slice(&self.state.previous_checksum.to_le_bytes());
        bytes.extend_from_slice(&(self.state.covered.len() as u32).to_le_bytes());
        for (sequence, covered) in &self.state.covered {
            bytes.extend_from_slice(&sequence.to_le_bytes());
            bytes.extend_from_slice(&covered.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// How many bytes it has, and so where the first block begins.
    pub(super) fn length(&self) -> usize {
        FIXED_BYTES + self.state.covered.len() * SEQUENCE_BYTES + 4
    }

    /// Reads the header of file number `file` of this directory.
    pub(super) fn read(
        source: &dyn File,
        file: u32,
        directory_id: [u8; 16],
    ) -> Result<Self, Fault> {
        let refused = |error| Fault::Refused(error);
        let mut bytes = vec![0; 4096];
        let count = source.read_at(&mut bytes, 0).map_err(|error| refused(error.into()))?;
        bytes.truncate(count);
        let sequences = Bytes(bytes.get(FIXED_BYTES - 4..).unwrap_or_default()).u32();
        let sequences = sequences.filter(|count| *count <= 1 << 16).ok_or(Fault::Broken)?;
        let length = FIXED_BYTES + sequences as usize * SEQUENCE_BYTES + 4;
        if length > bytes.len() {
            bytes.resize(length, 0);
            let count = source.read_at(&mut bytes, 0).map_err(|error| refused(error.into()))?;
            bytes.truncate(count);
        }
        let (checked, stated) = bytes
            .get(..length)
            .and_then(|bytes| bytes.split_at_checked(length - 4))
            .ok_or(Fault::Broken)?;
        if Bytes(stated).u32() != Some(crc32c::crc32c(checked)) {
            return Err(Fault::Broken);
        }
        let (version, header) = Self::parse(checked).ok_or(Fault::Broken)?;
        let path = records_path(file);
        if version > VERSION {
            return Err(refused(Error::NewerFormat { path, version, supported: VERSION }));
        }
        if header.directory_id != directory_id {
            return Err(refused(Error::Foreign { path }));
        }
        if header.file != file {
            let reason = format!("it is log file {} under another name", header.file);
            return Err(refused(Error::DamagedLog { path, offset: 0, reason }));
        }
        Ok(header)
    }

    fn parse(bytes: &[u8]) -> Option<(u16, Self)> {
        let mut fields = Bytes(bytes);
        if fields.array()? != MAGIC {
            return None;
        }
        let version = fields.u16()?;
        fields.u16()?;
        let (directory_id, hash_key) = (fields.array()?, fields.array()?);
        let file = u32::try_from(fields.u64()?).ok()?;
        let (next_block, next_commit) = (fields.u64()?, fields.u64()?);
        let previous_checksum = fields.u32()?;
        let mut covered = BTreeMap::new();
        for _ in 0..fields.u32()? {
            covered.insert(fields.u16()?, fields.u64()?);
        }
        let state = LogState { next_block, next_commit, previous_checksum, covered };
        Some((version, Self { directory_id, hash_key, file, state }))
    }
}
