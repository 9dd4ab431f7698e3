//! Room on the disk: the minimum that stays free, and the reserve that is given up when it is full.

use std::io;
use std::sync::Arc;

use super::error::{Error, Refusal};
use crate::disk::{self, Disk};

/// The folder that holds everything of the journal.
pub(crate) const FOLDER: &str = "journal";
const RESERVE: &str = "journal/reserve";
const CHUNK_BYTES: usize = 1 << 20;

/// Watches the free space of the journal's disk.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    disk: Arc<dyn Disk>,
    minimum_free_bytes: u64,
    reserve_bytes: u64,
}

impl Space {
    pub(crate) fn new(disk: Arc<dyn Disk>, minimum_free_bytes: u64, reserve_bytes: u64) -> Self {
        Self { disk, minimum_free_bytes, reserve_bytes }
    }

    /// Whether `bytes` more may be written. The disk is asked every time: that takes about a
    /// microsecond, less than a hundredth of the fastest sync, and is never out of date.
    pub(crate) fn check(&self, bytes: u64) -> Result<(), Refusal> {
        if self.minimum_free_bytes == 0 {
            return Ok(());
        }
        let free_bytes =
            self.disk.free_bytes().map_err(|error| Refusal::Disk(error.to_string()))?;
        let needed_bytes = self.minimum_free_bytes.saturating_add(bytes);
        if free_bytes >= needed_bytes {
            return Ok(());
        }
        Err(Refusal::NoSpace { free_bytes, needed_bytes })
    }

    /// Whether there is a reserve file of the full size.
    pub(crate) fn has_reserve(&self) -> Result<bool, Error> {
        if self.reserve_bytes == 0 {
            return Ok(false);
        }
        match self.disk.open(RESERVE) {
            Ok(file) => Ok(file.length()? >= self.reserve_bytes),
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the reserve file.
    pub(crate) fn give_up_reserve(&self) -> Result<(), Error> {
        if self.reserve_bytes == 0 {
            return Ok(());
        }
        match self.disk.remove(RESERVE) {
            Err(error) if error.source.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(self.disk.sync_folder(FOLDER)?),
        }
    }

    /// Makes the reserve file; `false` when there is no room for it.
    pub(crate) fn restore_reserve(&self) -> Result<bool, Error> {
        if self.reserve_bytes == 0 || self.has_reserve()? {
            return Ok(true);
        }
        if self.disk.free_bytes()? < self.minimum_free_bytes.saturating_add(self.reserve_bytes) {
            return Ok(false);
        }
        self.give_up_reserve()?;
        match self.write_reserve() {
            Ok(()) => Ok(true),
            Err(error) if error.is_full() => {
                self.give_up_reserve()?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn write_reserve(&self) -> disk::Result<()> {
        let file = self.disk.create(RESERVE)?;
        let noise = incompressible(CHUNK_BYTES);
        let mut written = 0;
        while written < self.reserve_bytes {
            let count = (self.reserve_bytes - written).min(CHUNK_BYTES as u64);
            file.write_at(noise.get(..count as usize).unwrap_or(&noise), written)?;
            written += count;
        }
        file.sync_data()?;
        self.disk.sync_folder(FOLDER)
    }
}

/// Bytes that a file system cannot store in less space than they have.
fn incompressible(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
