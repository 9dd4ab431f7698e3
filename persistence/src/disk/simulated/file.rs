//! A file of a simulated disk.

use std::io;
use std::sync::MutexGuard;

use super::SimulatedDisk;
use super::image::Image;
use super::names::FileId;
use super::state::{State, failure};
use crate::disk::{File, Result};

/// A handle to a file, good for one life of the machine.
#[derive(Debug)]
pub(super) struct SimulatedFile {
    pub(super) disk: SimulatedDisk,
    pub(super) path: String,
    pub(super) file: FileId,
    pub(super) life: u64,
}

impl SimulatedFile {
    /// The state, if the machine still lives the life in which this handle was opened.
    fn state(&self, operation: &'static str) -> Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.life == self.life {
            return Ok(state);
        }
        Err(failure(operation, &self.path, io::Error::other("the process has ended")))
    }

    fn image<'a>(&self, state: &'a mut State, operation: &'static str) -> Result<&'a mut Image> {
        let missing = || failure(operation, &self.path, io::ErrorKind::NotFound.into());
        state.images.get_mut(&self.file).ok_or_else(missing)
    }
}

impl File for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let mut state = self.state("read")?;
        state.alive("read", &self.path)?;
        Ok(self.image(&mut state, "read")?.read(buffer, offset as usize))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let state = &mut *self.state("write")?;
        state.alive("write", &self.path)?;
        let length = self.image(state, "write")?.length() as u64;
        let grows = (offset + bytes.len() as u64).saturating_sub(length);
        let free = state.free_bytes();
        if grows > free {
            // As much as finds room is written, as an operating system does it.
            let count = bytes.len().saturating_sub((grows - free) as usize);
            self.image(state, "write")?.write(&bytes[..count], offset as usize);
            return Err(failure("write", &self.path, io::ErrorKind::StorageFull.into()));
        }
        let verdict = state.operate("write", &self.path);
        let operations = state.operations;
        if verdict.is_ok() && state.fail_write_from.take_if(|from| *from <= operations).is_some() {
            let count = state.random.below(bytes.len() as u64 + 1) as usize;
            self.image(state, "write")?.write(&bytes[..count], offset as usize);
            return Err(failure("write", &self.path, io::Error::other("told to fail")));
        }
        self.image(state, "write")?.write(bytes, offset as usize);
        verdict
    }

    fn sync_data(&self) -> Result<()> {
        let state = &mut *self.state("sync")?;
        state.operate("sync", &self.path)?;
        let operations = state.operations;
        if state.fail_sync_from.take_if(|from| *from <= operations).is_some() {
            let mut random = state.random.clone();
            self.image(state, "sync")?.fail_sync(&mut random);
            state.random = random;
            return Err(failure("sync", &self.path, io::Error::other("told to fail")));
        }
        self.image(state, "sync")?.sync();
        Ok(())
    }

    fn length(&self) -> Result<u64> {
        let mut state = self.state("read the length of")?;
        state.alive("read the length of", &self.path)?;
        Ok(self.image(&mut state, "read the length of")?.length() as u64)
    }

    fn set_length(&self, length: u64) -> Result<()> {
        let state = &mut *self.state("set the length of")?;
        let verdict = state.operate("set the length of", &self.path);
        self.image(state, "set the length of")?.set_length(length as usize);
        verdict
    }
}
