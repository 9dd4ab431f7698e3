//! A disk in memory that forgets, tears, reorders and fails like a real one, all of it decided by a
//! seed: the same calls on the same seed end in the same bytes.
//!
//! For tests and the simulator only; it is compiled with the feature `simulation`.

mod file;
mod image;
mod names;
mod random;
mod state;

pub use random::Random;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::file::SimulatedFile;
use self::image::Image;
use self::names::{FileId, folder_of};
use self::state::{State, failure};
use super::{Disk, File, Result};

/// A simulated disk. Clones are the same disk.
///
/// Every call that changes something counts as one operation; a test that lets the disk stop at
/// each operation in turn has cut the power at every write and every sync.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

impl SimulatedDisk {
    /// An empty disk without a limit.
    pub fn new(seed: u64) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(seed))) }
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

    /// Whether everything fails since such an operation: the power is off.
    pub fn is_stopped(&self) -> bool {
        self.state().stopped
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
