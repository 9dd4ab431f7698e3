//! A disk in memory that forgets, tears, reorders and fails like a real one, all of it decided by a
//! seed: the same calls on the same seed end in the same bytes.
//!
//! For tests and the simulator only; it is compiled with the feature `simulation`.

mod image;
mod names;
mod random;

pub use random::Random;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::image::Image;
use self::names::{FileId, Names, folder_of};
use super::{Disk, Error, File, Result};

/// A simulated disk. Clones are the same disk.
///
/// Every call that changes something counts as one operation; a test that lets the disk stop at
/// each operation in turn has cut the power at every write and every sync.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug)]
struct State {
    random: Random,
    names: Names,
    images: BTreeMap<FileId, Image>,
    next_file: FileId,
    capacity_bytes: u64,
    shown_free_bytes: Option<u64>,
    operations: u64,
    stop_at: Option<u64>,
    stopped: bool,
    fail_write_from: Option<u64>,
    fail_sync_from: Option<u64>,
    /// Handles of an earlier life of the machine are dead.
    life: u64,
}

impl SimulatedDisk {
    /// An empty disk without a limit.
    pub fn new(seed: u64) -> Self {
        let state = State {
            random: Random::new(seed),
            names: Names::default(),
            images: BTreeMap::new(),
            next_file: 0,
            capacity_bytes: 1 << 50,
            shown_free_bytes: None,
            operations: 0,
            stop_at: None,
            stopped: false,
            fail_write_from: None,
            fail_sync_from: None,
            life: 0,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// A disk with the same content and the same future as this one, but apart from it.
    pub fn fork(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.state().clone())) }
    }

    /// Lets the future of the disk be another one than it would be.
    pub fn draw(&self) {
        self.state().random.next();
    }

    /// How many operations there have been.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Fails the operation with this number, counted from 1, and everything after it, reads as
    /// well. A write that fails like this may have reached the disk in part or whole.
    pub fn stop_at(&self, operation: u64) {
        self.state().stop_at = Some(operation);
    }

    /// Fails the first write whose operation has this number or a higher one; it is done in part.
    pub fn fail_writes_from(&self, operation: u64) {
        self.state().fail_write_from = Some(operation);
    }

    /// Fails the first file sync whose operation has this number or a higher one: what it should
    /// have made durable may be or not, reads go on to see it, and no later sync makes up for it.
    pub fn fail_syncs_from(&self, operation: u64) {
        self.state().fail_sync_from = Some(operation);
    }

    /// Sets how many bytes all files may have together.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity_bytes = bytes;
    }

    /// Sets how many bytes are said to be free, whatever is true: somebody else may take them
    /// between the question and the write. `None` ends it.
    pub fn show_free(&self, bytes: Option<u64>) {
        self.state().shown_free_bytes = bytes;
    }

    /// The power fails and comes back: of what was not synced, any part may be gone, in any order.
    /// Handles opened before are dead; injected failures are over.
    pub fn power_cut(&self) {
        let state = &mut *self.state();
        state.names.cut(&mut state.random);
        for image in state.images.values_mut() {
            image.cut(&mut state.random);
        }
        let kept: Vec<FileId> = state.names.files().map(|(_, file)| file).collect();
        state.images.retain(|file, _| kept.contains(file));
        state.revive();
    }

    /// The process ends and starts again; the machine goes on, so nothing that was written is lost.
    pub fn process_restart(&self) {
        self.state().revive();
    }

    /// Turns one bit of a file around, on the medium.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn flip_bit(&self, path: &str, bit: u64) -> Result<()> {
        let state = &mut *self.state();
        let file = state.find("flip a bit of", path)?;
        if let Some(image) = state.images.get_mut(&file) {
            image.flip_bit(bit as usize);
        }
        Ok(())
    }

    /// Every file and its content as reads see it.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let content = |file| state.images.get(&file).map(|image: &Image| image.bytes().to_vec());
        state
            .names
            .files()
            .map(|(path, file)| (path.to_owned(), content(file).unwrap_or_default()))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, path: &str, file: FileId, life: u64) -> Arc<dyn File> {
        Arc::new(SimulatedFile { disk: self.clone(), path: path.to_owned(), file, life })
    }
}

impl State {
    fn revive(&mut self) {
        self.life += 1;
        self.stop_at = None;
        self.stopped = false;
        self.fail_write_from = None;
        self.fail_sync_from = None;
    }

    /// Counts an operation. An error says that it is the one to stop at, or comes later.
    fn operate(&mut self, operation: &'static str, path: &str) -> Result<()> {
        self.alive(operation, path)?;
        self.operations += 1;
        self.stopped = self.stop_at == Some(self.operations);
        self.alive(operation, path)
    }

    fn alive(&self, operation: &'static str, path: &str) -> Result<()> {
        if self.stopped {
            return Err(failure(operation, path, io::Error::other("the power is off")));
        }
        Ok(())
    }

    fn find(&self, operation: &'static str, path: &str) -> Result<FileId> {
        let missing = || failure(operation, path, io::ErrorKind::NotFound.into());
        self.names.get(path).ok_or_else(missing)
    }

    fn free_bytes(&self) -> u64 {
        let lengths = self.names.files().filter_map(|(_, file)| self.images.get(&file));
        let used: u64 = lengths.map(|image| image.length() as u64).sum();
        self.capacity_bytes.saturating_sub(used)
    }
}

fn failure(operation: &'static str, path: &str, source: io::Error) -> Error {
    Error { operation, path: path.to_owned(), source }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &str) -> Result<Arc<dyn File>> {
        let state = self.state();
        state.alive("open", path)?;
        let file = state.find("open", path)?;
        Ok(self.handle(path, file, state.life))
    }

    fn create(&self, path: &str) -> Result<Arc<dyn File>> {
        let mut state = self.state();
        state.operate("create", path)?;
        if state.names.get(path).is_some() {
            return Err(failure("create", path, io::ErrorKind::AlreadyExists.into()));
        }
        if !state.names.has_folder(folder_of(path)) {
            return Err(failure("create", path, io::ErrorKind::NotFound.into()));
        }
        let file = state.next_file;
        state.next_file += 1;
        state.images.insert(file, Image::default());
        state.names.create(path, file);
        Ok(self.handle(path, file, state.life))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut state = self.state();
        state.operate("rename", from)?;
        let file = state.find("rename", from)?;
        state.names.rename(from, to, file);
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<()> {
        let mut state = self.state();
        state.operate("remove", path)?;
        state.find("remove", path)?;
        state.names.remove(path);
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>> {
        let state = self.state();
        state.alive("list", folder)?;
        if !state.names.has_folder(folder) {
            return Err(failure("list", folder, io::ErrorKind::NotFound.into()));
        }
        let in_folder = state.names.files().filter(|(path, _)| folder_of(path) == folder);
        Ok(in_folder
            .map(|(path, _)| path.rsplit_once('/').map_or(path, |(_, name)| name).to_owned())
            .collect())
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        let mut state = self.state();
        state.alive("create", folder)?;
        if !state.names.has_folder(folder) {
            state.operate("create", folder)?;
            state.names.add_folder(folder);
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> Result<()> {
        let mut state = self.state();
        state.operate("sync", folder)?;
        state.names.sync(folder);
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64> {
        let state = self.state();
        state.alive("read the free space of", "")?;
        Ok(state.shown_free_bytes.unwrap_or_else(|| state.free_bytes()))
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    path: String,
    file: FileId,
    life: u64,
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
